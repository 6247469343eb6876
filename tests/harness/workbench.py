"""Functions that a test creates, and takes away again when it ends."""

from typing import Any

from harness.client import Answer, Client, unique
from harness.functions import NODE, Runtime


class Workbench:
    """Registers functions under names of its own."""

    def __init__(self, api: Client):
        self.api = api
        self._created: list[str] = []

    def definition(self, code: str, runtime: Runtime = NODE, **fields: Any) -> dict[str, Any]:
        return {"name": unique("test"), "runtime": runtime.name, "handler": runtime.handler,
                "code": code, **fields}

    def register(self, definition: dict[str, Any]) -> Answer:
        answer = self.api.post("/functions", definition)
        if answer.status == 201:
            self._created.append(answer.json["id"])
        return answer

    def create(self, code: str, runtime: Runtime = NODE, **fields: Any) -> dict[str, Any]:
        """A function of this code; the answer of the API."""
        answer = self.register(self.definition(code, runtime, **fields))
        assert answer.status == 201, str(answer)
        return answer.json

    def close(self) -> None:
        for function_id in self._created:
            self.api.request("DELETE", f"/functions/{function_id}")
