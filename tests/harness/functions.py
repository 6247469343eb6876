"""Functions for tests, in every runtime that the platform has."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class Runtime:
    """How one runtime writes the same few functions."""

    name: str
    handler: str
    hello: str
    echo: str
    # Prints two lines, one of them on stderr.
    prints: str
    # Waits for event["ms"], then returns it.
    sleep: str
    # Counts its invocations in this instance.
    count: str
    # Returns its environment variable event["name"].
    environment: str
    # Does what event["do"] says.
    misbehave: str

    def unlike_others(self, code: str) -> str:
        """The same code as bytes that nobody has seen yet."""
        comment = "//" if self.name == "node" else "#"
        return f"{comment} {secrets.token_hex(8)}\n{code}"


NODE = Runtime(
    name="node",
    handler="index.handler",
    hello="""
exports.handler = async (event) => {
  console.log("hello from console.log");
  return { statusCode: 200, body: JSON.stringify({ message: "Hello" }) };
};
""",
    echo="exports.handler = async (event) => event;",
    prints="""
exports.handler = async () => {
  console.log("to stdout");
  console.error("to stderr");
  return "done";
};
""",
    sleep="""
exports.handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, event.ms));
  return event.ms;
};
""",
    count="let calls = 0; exports.handler = async () => ++calls;",
    environment="exports.handler = async (event) => process.env[event.name] ?? null;",
    misbehave="""
const fs = require("fs");
exports.handler = async (event) => {
  console.log("about to misbehave");
  switch (event.do) {
    case "throw": throw new TypeError("thrown on purpose");
    case "exit": process.exit(3);
    case "abort": process.abort();
    case "hang": while (true) {}
    case "megabyte":
      for (let i = 0; i < 12; i++) console.log(`${i}`.padEnd(100000, "x"));
      return "printed";
    case "nan": return { statusCode: 200, body: NaN };
    case "circular": { const o = {}; o.self = o; return o; }
    case "bad-status": return { statusCode: 42, body: "" };
    case "large": return "x".repeat(6 * 1024 * 1024);
    case "garbage": fs.writeSync(3, Buffer.alloc(64, 0xff)); while (true) {}
    default: return "fine";
  }
};
""",
)

PYTHON = Runtime(
    name="python",
    handler="main.handler",
    hello="""
import json
def handler(event, context):
    print("hello from console.log")
    return {"statusCode": 200, "body": json.dumps({"message": "Hello"})}
""",
    echo="def handler(event, context): return event",
    prints="""
import sys
def handler(event, context):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return "done"
""",
    sleep="""
import time
def handler(event, context):
    time.sleep(event["ms"] / 1000)
    return event["ms"]
""",
    count="""
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return calls
""",
    environment="""
import os
def handler(event, context): return os.environ.get(event["name"])
""",
    misbehave="""
import os
def handler(event, context):
    print("about to misbehave")
    what = event.get("do")
    if what == "throw":
        raise TypeError("thrown on purpose")
    if what == "exit":
        os._exit(3)
    if what == "abort":
        os.abort()
    if what == "hang":
        while True: pass
    if what == "megabyte":
        for i in range(12): print(str(i).ljust(100000, "x"))
        return "printed"
    if what == "nan":
        return {"statusCode": 200, "body": float("nan")}
    if what == "circular":
        o = {}
        o["self"] = o
        return o
    if what == "bad-status":
        return {"statusCode": 42, "body": ""}
    if what == "large":
        return "x" * (6 * 1024 * 1024)
    if what == "garbage":
        os.write(3, bytes([255]) * 64)
        while True: pass
    return "fine"
""",
)

RUNTIMES = (NODE, PYTHON)
