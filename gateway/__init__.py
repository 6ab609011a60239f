"""The gateway: the one public door. Knows who calls, for which tenant, and passes the call to its service."""
