"""Identifiers: UUID version 7 (RFC 9562), so that ids sort by the moment they were made."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh id, unique over all services and ordered by time of creation."""
    return uuid7()
