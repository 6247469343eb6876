"""A client of the REST API that holds every answer to the contract."""

import http.client
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from harness.wait import wait_until

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_TIMEOUT = 60.0
# How long a change of a function may take to reach router and pool.
PROPAGATION_SECONDS = 2.0

# What the platform may answer when something is down.
OUTAGE_CODES = {"UNAVAILABLE", "NO_CAPACITY", "INSTANCE_LOST", "QUEUE_TIMEOUT", "GATEWAY_TIMEOUT"}


@dataclass(frozen=True)
class Answer:
    """What came back for one request."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]

    def __str__(self) -> str:
        text = self.body[:2000].decode(errors="replace")
        return f"{self.status} {text}"


class Client:
    """Sends requests to one endpoint, each on a connection of its own. Thread-safe."""

    def __init__(self, host: str, port: int):
        self.host, self.port = host, port

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def request(self, method: str, path: str, body: Any = None, *,
                headers: dict[str, str] | None = None, timeout: float = DEFAULT_TIMEOUT) -> Answer:
        """Bytes are sent as they are, anything else as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            try:
                connection.request(method, path, body, sent)
            except (BrokenPipeError, ConnectionResetError):
                pass  # Refused before it was all sent; the reason can be read.
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        check_contract(method, path, answer)
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.request("POST", path, body, **options)

    def invoke(self, function: str, event: Any = None, **options: Any) -> Answer:
        return self.post(f"/functions/{quote(function, safe=':')}/invoke", event, **options)

    def receipt(self, function: str, event: Any = None, **options: Any) -> dict[str, Any]:
        """Invokes a function that has to answer."""
        answer = self.invoke(function, event, **options)
        assert answer.status == 200, f"{function} did not answer: {answer}"
        return answer.json

    def receipt_of_version(self, function: str, version: int, event: Any = None) -> dict[str, Any]:
        """Invokes until this version answers: the router hears of a change a moment after the
        one who made it."""
        return wait_until_accepted(lambda: self.receipt(function, event),
                                   lambda receipt: receipt["version"] == version,
                                   f"{function} is at version {version}")

    def invoke_until_unknown(self, function: str, event: Any = None) -> Answer:
        """The same for a function that was deleted."""
        return wait_until_accepted(lambda: self.invoke(function, event),
                                   lambda answer: answer.status != 200, f"{function} is gone")

    def list_functions(self, **query: Any) -> list[dict[str, Any]]:
        """All pages."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            answer = self.get("/functions?" + urlencode({**query, "pageToken": token}))
            assert answer.status == 200, str(answer)
            found += answer.json["functions"]
            token = answer.json["nextPageToken"]
            if not token:
                return found

    def metrics_of(self, function_id: str) -> dict[str, Any]:
        answer = self.get("/metrics")
        assert answer.status == 200, str(answer)
        return next((m for m in answer.json["metrics"] if m["functionId"] == function_id), {})

    def instances_of(self, function: str) -> list[dict[str, Any]]:
        answer = self.get(f"/functions/{function}/instances")
        assert answer.status == 200, str(answer)
        return answer.json["instances"]


def wait_until_accepted(ask: Callable[[], T], accept: Callable[[T], bool], what: str) -> T:
    """The first accepted answer."""
    accepted: list[T] = []

    def asked() -> bool:
        answer = ask()
        if accept(answer):
            accepted.append(answer)
        return bool(accepted)

    wait_until(asked, PROPAGATION_SECONDS, what)
    return accepted[0]


def check_contract(method: str, path: str, answer: Answer) -> None:
    """What holds for every answer of the API."""
    what = f"{method} {path}: {answer}"
    assert answer.status != 500, f"500 is always a bug of the platform: {what}"
    assert answer.headers["X-Request-Id"], f"no X-Request-Id: {what}"
    if answer.status < 400 or method == "HEAD" or path.startswith("/health"):
        return
    body = answer.json
    # A replay has the id of the call that ran.
    if not answer.headers["Idempotency-Replayed"]:
        assert body["requestId"] == answer.headers["X-Request-Id"], what
    error = body["error"]
    assert error["code"] and error["message"], what
    assert isinstance(error["retryable"], bool), what
    assert error.get("executed", "no") in ("no", "yes", "maybe"), what
    for detail in error.get("details", []):
        assert detail["field"] and detail["problem"], what
    if answer.status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1, f"no Retry-After: {what}"
    for secret in (str(ROOT), "/tmp/so-", "sqlite", "SELECT ", "grpc:", "rpc error"):
        assert secret not in error["message"], f"{secret!r} is none of the client's business: {what}"


def expect_error(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Asserts that the answer is this error, and returns it."""
    assert answer.status == status, f"expected {status} {code}, got {answer}"
    assert answer.error["code"] == code, f"expected {status} {code}, got {answer}"
    return answer.error


def unique(prefix: str) -> str:
    """A function name that nobody else uses."""
    return f"{prefix}-{secrets.token_hex(4)}"
