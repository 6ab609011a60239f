"""Test clock: the time of a sandbox tenant, which its owner advances."""
