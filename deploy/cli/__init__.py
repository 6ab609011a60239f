"""The `backoffice` command."""
