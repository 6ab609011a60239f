"""A wire between a transport and its broker that a test can cut, hold or take away."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


class Wire:
    """Passes TCP connections on to a broker."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port)
        self._url = url
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        """The broker's address by way of this wire."""
        host, _, path = self._url.rpartition("@")[2].partition("/")
        return self._url.replace(f"@{host}/{path}", f"@127.0.0.1:{self._port}/{path}")

    async def open(self) -> None:
        """Take connections, from the second time on at the same port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take no more connections and cut those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection, for both sides."""
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Let nothing through any more, and tell nobody."""
        self._flowing.clear()

    def let_go(self) -> None:
        """Let everything through again."""
        self._flowing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, there_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        for source, target in ((reader, there_writer), (there, writer)):
            self._writers.add(target)
            task = asyncio.create_task(self._pass_on(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while chunk := await source.read(65536):
                    await self._flowing.wait()
                    target.write(chunk)
                    await target.drain()
        finally:
            self._writers.discard(target)
            target.close()
