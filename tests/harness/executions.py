"""Sees every execution of a function, whatever becomes of its answer.

A function cannot reach the host: it has no network, and shares no disk with it. But its
code directory is a mount of one that the pool keeps, and a named pipe works through a
mount that is read-only. So the test puts a pipe beside the code once that is built, and
the handler writes the token of the event there before it does anything else. No process
of the platform is on the way: what was written is seen, also when instance, pool or
router die a moment later.

Not seen is an execution that is killed before the first line of its handler, and one of
a function whose pipe is missing: the handler then fails, which a prober counts as wrong.
"""

import os
import secrets
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from harness.client import unique
from harness.cluster import Cluster

HANDLERS = {"node": "index.handler", "python": "main.handler", "go": "Handler"}

# Writes event.token to the pipe, waits for event.ms, and returns the token.
CODE = {
    "node": """// {unlike_others}
const fs = require("fs");
exports.handler = async (event) => {
  const pipe = fs.openSync("/var/task/executions", fs.constants.O_WRONLY);
  fs.writeSync(pipe, event.token + "\\n");
  fs.closeSync(pipe);
  await new Promise((resolve) => setTimeout(resolve, event.ms));
  return { token: event.token };
};
""",
    "python": """# {unlike_others}
import os, time
def handler(event, context):
    pipe = os.open("/var/task/executions", os.O_WRONLY)
    os.write(pipe, (event["token"] + "\\n").encode())
    os.close(pipe)
    time.sleep(event["ms"] / 1000)
    return {"token": event["token"]}
""",
    "go": """// {unlike_others}
package main

import (
	"context"
	"os"
	"time"
)

type Event struct {
	Token string `json:"token"`
	Ms    int    `json:"ms"`
}

func Handler(ctx context.Context, event Event) (map[string]string, error) {
	pipe, err := os.OpenFile("/var/task/executions", os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer pipe.Close()
	if _, err := pipe.WriteString(event.Token + "\\n"); err != nil {
		return nil, err
	}
	time.Sleep(time.Duration(event.Ms) * time.Millisecond)
	return map[string]string{"token": event.Token}, nil
}
""",
}


class Executions:
    """How often each token was executed."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._pipes: list[tuple[int, threading.Thread]] = []

    def create(self, cluster: Cluster, runtime: str, **fields: Any) -> str:
        """The id of a function whose executions are seen."""
        code = CODE[runtime].replace("{unlike_others}", secrets.token_hex(8))
        answer = cluster.api.post("/functions", {
            "name": unique("seen"), "runtime": runtime, "handler": HANDLERS[runtime], "code": code,
            **fields})
        assert answer.status == 201, str(answer)
        # The pool names its directories by the hash of the source.
        [directory] = (cluster.state_dir / "pool").rglob(f"{answer.json['codeSha256']}-*")
        self._listen(directory / "executions")
        return answer.json["id"]

    def _listen(self, path: Path) -> None:
        os.mkfifo(path)
        path.chmod(0o666)  # Instances have user ids of their own.
        # Open for writing too, so that it neither ends nor makes writers wait.
        pipe = os.open(path, os.O_RDWR)
        thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        thread.start()
        self._pipes.append((pipe, thread))

    def _read(self, pipe: int) -> None:
        rest = b""
        while True:
            *tokens, rest = (rest + os.read(pipe, 65536)).split(b"\n")
            if b"" in tokens:
                return  # Nobody has an empty token but close().
            with self._lock:
                self._counts.update(token.decode() for token in tokens)

    def counts(self) -> Counter[str]:
        with self._lock:
            return self._counts.copy()

    def close(self) -> None:
        for pipe, thread in self._pipes:
            os.write(pipe, b"\n")
            thread.join()
            os.close(pipe)
