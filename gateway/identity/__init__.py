"""Identity: credentials, tokens and signing keys; who calls, and for which tenant."""
