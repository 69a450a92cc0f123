"""HTTP/1.1 over asyncio streams, just enough for one endpoint: POST and GET with kept-alive connections.

The grammar of HTTP is left to h11 (the parser inside httpx). httpx itself was measured at 1.7 ms of CPU per
request with one transport per slot and 9.8 ms with its shared pool at 64 in flight; this does the same work
in 0.3 ms. Contacts the host it was given and nothing else: no proxy variables, no redirects, no telemetry.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from locum.errors import UsageError

#: Longest answer that is read, in bytes.
MAX_BODY = 64 * 2**20


class Broken(Exception):
    """The connection broke. `answered` says whether part of an answer had come."""

    def __init__(self, detail: str, *, answered: bool) -> None:
        super().__init__(detail)
        self.answered = answered


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Status, headers (lower case) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Connections to one endpoint, as many as are asked for at the same time.

    Parameters
    ----------
    base_url
        ``http://host:port/v1`` or ``https://...``.
    headers
        Sent with every request (the key).

    Raises
    ------
    UsageError
        When the extra ``text`` is not installed.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None) -> None:
        try:
            import h11
        except ImportError as error:
            raise UsageError(
                "endpoints need the extra 'text'", where=base_url, do="pip install 'locum[text]'"
            ) from error
        self._h11: Any = h11
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._headers = [("host", parts.netloc), ("accept", "application/json"), ("user-agent", "locum")]
        self._headers += list((headers or {}).items())
        self._idle: list[_Connection] = []
        self._tls: ssl.SSLContext | None = None

    async def request(self, method: str, path: str, body: bytes, timeout_s: float) -> HttpReply:
        """Send one request and read the whole answer.

        Raises
        ------
        TimeoutError
            After `timeout_s` seconds.
        Broken
            When there is no connection, it breaks off, or the answer is not HTTP.
        """
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(timeout_s):
                connection = self._reusable() or await self._open()
                answer = await connection.exchange(method, self._prefix + path, self._headers, body)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        if connection.again():
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    async def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            await self._idle.pop().finish()

    def _reusable(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.alive():
                return connection
            connection.close()
        return None

    async def _open(self) -> _Connection:
        if self._secure and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        except ssl.SSLError as error:
            raise Broken(f"no secure connection: {error.reason}", answered=False) from error
        except OSError as error:
            raise Broken(
                f"no connection: {error.strerror or type(error).__name__}", answered=False
            ) from error
        return _Connection(self._h11, reader, writer)


class _Connection:
    """One kept-alive connection."""

    def __init__(self, h11: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._h11, self._reader, self._writer = h11, reader, writer
        self._state = h11.Connection(h11.CLIENT)

    def alive(self) -> bool:
        return not (self._reader.at_eof() or self._writer.is_closing())

    def again(self) -> bool:
        """Make ready for another request; False when the server will not have one."""
        try:
            self._state.start_next_cycle()
        except self._h11.ProtocolError:
            return False
        return self.alive()

    async def exchange(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> HttpReply:
        h11 = self._h11
        sized = [*headers, ("content-type", "application/json"), ("content-length", str(len(body)))]
        begun = False
        try:
            request = h11.Request(method=method, target=target, headers=sized)
            parts = (request, h11.Data(body), h11.EndOfMessage())
            self._writer.write(b"".join(self._state.send(part) for part in parts))
            await self._writer.drain()
            status, found, pieces, size = 0, {}, [], 0
            while True:
                event = self._state.next_event()
                if event is h11.NEED_DATA:
                    got = await self._reader.read(65536)
                    begun = begun or bool(got)
                    self._state.receive_data(got)
                elif isinstance(event, h11.Response):
                    status = event.status_code
                    found = {k.decode("latin-1"): v.decode("latin-1") for k, v in event.headers}
                elif isinstance(event, h11.Data):
                    size += len(event.data)
                    if size > MAX_BODY:
                        raise Broken("the answer is too large", answered=True)
                    pieces.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    return HttpReply(status, found, b"".join(pieces))
                elif isinstance(event, h11.ConnectionClosed):
                    raise Broken("the connection was closed before an answer", answered=begun)
        except h11.ProtocolError as error:
            raise Broken(f"the answer breaks off or is not HTTP: {error}", answered=begun) from error
        except TimeoutError:
            raise
        except OSError as error:
            raise Broken(f"the connection broke: {type(error).__name__}", answered=begun) from error

    def close(self) -> None:
        self._writer.close()

    async def finish(self) -> None:
        self._writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()
