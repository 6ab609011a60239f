"""Outbound ports: what a service reaches outside its database and the bus (mail, files, webhooks), found by type."""

from collections.abc import Mapping
from typing import TypeVar, cast

Kind = TypeVar("Kind")


class Ports:
    """The ports of a running service."""

    def __init__(self) -> None:
        """None is open yet."""
        self._made: Mapping[type, object] = {}

    def open(self, made: Mapping[type, object]) -> None:
        """Take what the functions in the service's manifest have made, one for each type."""
        self._made = made

    def get(self, kind: type[Kind]) -> Kind:
        """The port of a type; a service that has none was put together wrongly."""
        try:
            return cast(Kind, self._made[kind])
        except KeyError:
            raise LookupError(
                f"no open port for {kind}: the service's manifest names them (`ports=`)"
            ) from None
