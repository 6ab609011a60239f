"""Attackers who speak HTTP byte by byte: connections that say only so much, and take only so much."""

import asyncio
import socket
from contextlib import ExitStack, suppress
from typing import Self


def head(method: str, path: str, *lines: str, bearer: str = "") -> bytes:
    """A request's head."""
    proof = [f"authorization: Bearer {bearer}"] if bearer else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *proof, *lines, "", ""]).encode()


class Crowd:
    """Connections of one attacker, of which each sends the same; all are ended with the block."""

    def __init__(self, port: int, *, address: str = "127.0.0.1", buffer: int = 0) -> None:
        """They come from an address of this machine; `buffer`: bytes that the kernel takes for us, 0: as usual."""
        self._port = port
        self._address = address
        self._buffer = buffer
        self._stack = ExitStack()
        self.members: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def grow(self, count: int, request: bytes = b"") -> None:
        """So many more, each sending the request (or a part of one, or nothing)."""
        loop = asyncio.get_running_loop()
        for number in range(count):
            one = self._stack.enter_context(socket.socket())
            one.setblocking(False)
            if self._buffer:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
            one.bind((self._address, 0))
            await loop.sock_connect(one, ("127.0.0.1", self._port))
            if request:
                await loop.sock_sendall(one, request)
            self.members.append(one)
            if number % 50 == 0:
                await asyncio.sleep(0)

    async def drip(self, seconds: float) -> None:
        """A byte from each, again and again, until all have been cut off."""
        loop = asyncio.get_running_loop()
        left = list(self.members)
        while left:
            for one in tuple(left):
                try:
                    await loop.sock_sendall(one, b"x")
                except OSError:
                    left.remove(one)
            await asyncio.sleep(seconds)

    def silent(self) -> int:
        """How many are still open and have been told nothing."""
        return sum(_state(one) is None for one in self.members)

    def answers(self) -> list[bytes]:
        """What those were told who were told anything; nothing is taken from the connections."""
        return [said for one in self.members if (said := _state(one))]


def _state(one: socket.socket) -> bytes | None:
    """The first bytes of what came; None when nothing has, and nothing is ended."""
    with suppress(BlockingIOError):
        try:
            return one.recv(64, socket.MSG_PEEK)
        except ConnectionError:
            return b""
    return None
