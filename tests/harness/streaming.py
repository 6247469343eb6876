"""A client that reads an answer while it is written, and its trailers.

The one of Python's library throws trailers away and hides where an answer ends.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from harness.client import Client


class CutOff(Exception):
    """The answer ends in the middle."""


class StreamedAnswer:
    """One answer to `POST /functions/{id}/invoke?stream=true`.

    Nothing is read ahead: what the caller does not read waits at the platform,
    as far as `buffer` bytes do not hold it.
    """

    def __init__(self, api: Client, function: str, event: Any = None, *, buffer: int = 0,
                 headers: dict[str, str] | None = None, timeout: float = 60):
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((api.host, api.port))
        body = json.dumps(event if event is not None else {}).encode()
        sent = {"Host": api.host, "Content-Length": str(len(body)), **(headers or {})}
        lines = [f"POST /functions/{quote(function, safe=':')}/invoke?stream=true HTTP/1.1",
                 *(f"{name}: {value}" for name, value in sent.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + body)
        self.file = self.socket.makefile("rb", buffering=4096)
        self.status = int(self._line().split()[1])
        self.headers = self._fields()
        self.trailers: dict[str, str] = {}

    def _line(self) -> str:
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise CutOff(line)
        return line[:-2].decode()

    def _fields(self) -> dict[str, str]:
        """Names in lower case."""
        fields: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return fields

    def parts(self) -> Iterator[bytes]:
        """Data as it comes; CutOff when the answer is not complete."""
        while size := int(self._line(), 16):
            data = self.file.read(size)
            if len(data) < size or self._line():
                raise CutOff(data)
            yield data
        self.trailers = self._fields()

    def read(self) -> bytes:
        return b"".join(self.parts())

    @property
    def receipt(self) -> dict[str, Any]:
        """Once all has been read."""
        return json.loads(self.trailers["x-receipt"])

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> "StreamedAnswer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
