"""What runs inside containers beside the services: the health probe and the maker of secrets."""
