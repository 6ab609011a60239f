"""Client: a program of a tenant that signs in with an id and a secret."""
