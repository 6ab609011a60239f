"""How many requests of each tenant are in hand at this process: begun, and their answers not yet taken."""

from gateway.identity.faults import TooManyInHand

RETRY_SECONDS = 1


class InHand:
    """The count, and the cap on it."""

    def __init__(self, most: int) -> None:
        """Nothing is in hand."""
        self._most = most
        self._of: dict[str, int] = {}

    def begin(self, key: str) -> None:
        """Take one more; `end` must follow. Raises `TooManyInHand`, after which it must not."""
        count = self._of.get(key, 0)
        if count >= self._most:
            raise TooManyInHand(
                f"This tenant has {count} requests in hand; send the next when one is answered.",
                limit="in_hand",
                seconds=RETRY_SECONDS,
            )
        self._of[key] = count + 1

    def end(self, key: str) -> None:
        """One is done."""
        count = self._of[key] - 1
        if count:
            self._of[key] = count
        else:
            del self._of[key]
