"""Runs one function in a Python process, for its whole life.

Speaks the runtime contract (docs/runtime-contract.md) on descriptor 3. What is
slow to import and seldom needed is imported where it is used.
"""

import json
import os
import re
import sys
import time

CONTRACT_VERSION = 1
CHANNEL = 3
CONFIG, INVOKE = 1, 2
HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR = 16, 17, 18, 19, 20, 21
NONCE_BYTES = 16
MAX_FRAME_BYTES = 6 * 1024 * 1024 + 64 * 1024
MAX_BODY_BYTES = 6 * 1024 * 1024
MAX_HEADERS = 64
MAX_HEADER_BYTES = 16 * 1024
MAX_TYPE_BYTES, MAX_MESSAGE_BYTES = 256, 64 * 1024
MAX_STACK_LINES, MAX_STACK_LINE_BYTES = 64, 1024

SHIM = os.path.abspath(__file__)
PID = os.getpid()


# ---- frames -----------------------------------------------------------------

# Each part is written whole before this returns, so that nothing user code does
# next can cut it short.
def send(kind, nonce, *parts):
    if os.getpid() != PID:
        os._exit(1)  # A fork of the function must not answer for it.
    payload = b"".join(parts)
    head = (1 + NONCE_BYTES + len(payload)).to_bytes(4, "big") + bytes([kind])
    view = memoryview(head + nonce + payload)
    try:
        while view:
            view = view[os.write(CHANNEL, view):]
    except OSError:
        os._exit(0)  # The pool is gone.


# Two parts as one payload: the length of the first, the first, the second.
def with_meta(meta, body):
    text = encode_text(dump(meta))
    return len(text).to_bytes(4, "big"), text, body


def read_exactly(count):
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = os.readv(CHANNEL, [view])
        if got == 0:
            os._exit(0)  # The pool is gone.
        view = view[got:]
    return bytes(data)


def read_frame():
    length = int.from_bytes(read_exactly(4), "big")
    if not 1 + NONCE_BYTES <= length <= MAX_FRAME_BYTES:
        os._exit(1)
    frame = read_exactly(length)
    return frame[0], frame[1:1 + NONCE_BYTES], frame[1 + NONCE_BYTES:]


# ---- errors -----------------------------------------------------------------

code_dir = ""


# Paths of the platform's mean nothing to the author of the function.
def without_host_paths(text):
    text = text.replace(SHIM, "(runtime)")
    return text.replace(code_dir + "/", "") if code_dir else text


def cut(value, max_bytes):
    text = encode_text(without_host_paths(str(value)))[:max_bytes]
    return text.decode("utf-8", "ignore")


# Innermost frame first, without our own frames.
def stack_lines(error):
    import traceback
    lines = []
    if isinstance(error, SyntaxError) and error.filename:
        lines.append(f'File "{error.filename}", line {error.lineno}: {(error.text or "").strip()}')
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename != SHIM and "<frozen importlib" not in frame.filename:
            lines.append(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}: {frame.line}')
    return [cut(line, MAX_STACK_LINE_BYTES) for line in lines[:MAX_STACK_LINES]]


def describe(error):
    try:
        return {
            "type": cut(type(error).__name__, MAX_TYPE_BYTES),
            "message": cut(error, MAX_MESSAGE_BYTES),
            "stack": stack_lines(error),
        }
    except BaseException:
        return {"type": "Error", "message": "an error that cannot be described", "stack": []}


class ImportModuleError(Exception):
    pass


class HandlerNotFound(Exception):
    pass


class MalformedHandlerName(Exception):
    pass


# The handler returned something that cannot be an answer.
class ResultError(Exception):
    def __init__(self, message, kind="invalid-result"):
        super().__init__(message)
        self.kind = kind


# sys.exit() ends the process with that code, whatever threads are left.
def exit_process(error):
    flush()
    code = error.code
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        flush()
        code = 1
    os._exit((code or 0) & 0xFF)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass  # Closed or replaced by the function.


# ---- the function's code ----------------------------------------------------

def import_file(name, path):
    from importlib import util
    spec = util.spec_from_file_location(name, path)
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_module(name):
    path = os.path.join(code_dir, *name.split(".")) + ".py"
    # By its file, so that a name that the standard library has too is ours.
    if "." not in name and os.path.exists(path):
        return import_file(name, path)
    from importlib import import_module
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name + ".").startswith(error.name + "."):
            raise ImportModuleError(f"there is no file {name.replace('.', '/')}.py") from None
        raise


# "pkg/file.f" or "pkg.file.f": function f of pkg/file.
def load_handler(handler_name):
    module_name, _, function_name = handler_name.replace("/", ".").rpartition(".")
    if not all(module_name.split(".")) or not function_name:
        raise MalformedHandlerName(f"the handler must look like file.function: {handler_name}")
    loaded = load_module(module_name)
    found = getattr(loaded, function_name, None)
    if not callable(found):
        file = module_name.replace(".", "/")
        raise HandlerNotFound(f"{file}.py has no function named {function_name}")
    return found


# ---- results ----------------------------------------------------------------

def dump(value):
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


# Half surrogate pairs, which UTF-8 does not have, become U+FFFD.
def encode_text(text):
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


# The same for escapes. Whole pairs and escaped backslashes are matched first, to
# step over them.
SURROGATES = re.compile(
    r"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2})")


def well_formed(text):
    if "\\u" not in text:
        return text
    return SURROGATES.sub(lambda m: "\\ufffd" if len(m[0]) == 6 else m[0], text)


def to_json(value):
    try:
        return dump(value)
    except RecursionError:
        raise ResultError("the result is not JSON: nested too deeply") from None
    except Exception as error:
        raise ResultError(f"the result is not JSON: {error}") from None


def refuse_constant(name):
    raise ValueError(name)


# A string that is a JSON object or array stands for that value.
def string_body_to_json(body):
    if body.lstrip(" \t\r\n")[:1] in ("{", "["):
        try:
            json.loads(body, parse_constant=refuse_constant)
            return well_formed(body)
        except (ValueError, RecursionError):
            pass  # Just text.
    return to_json(body)


HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def header_text(name, value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return encode_text(str(value)).decode()
    raise ResultError(f"headers: {name} must be a string, a number or a boolean")


def checked_headers(headers):
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise ResultError("headers must be a dict")
    checked, size = {}, 0
    for name, value in headers.items():
        if value is None:
            continue
        if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
            raise ResultError(f"headers: {str(name)[:64]!r} is not a header name")
        text = header_text(name, value)
        if CONTROL.search(text):
            raise ResultError(f"headers: {name} has a control character")
        size += len(name) + len(text.encode())
        checked[name] = text
    if len(checked) > MAX_HEADERS:
        raise ResultError(f"headers: more than {MAX_HEADERS}")
    if size > MAX_HEADER_BYTES:
        raise ResultError(f"headers: more than {MAX_HEADER_BYTES} bytes")
    return checked


def encode_result(value):
    status, headers = 200, {}
    if isinstance(value, dict) and value.get("statusCode") is not None:
        status = value["statusCode"]
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise ResultError("statusCode must be an integer from 100 to 599")
        headers = checked_headers(value.get("headers"))
        body = value.get("body")
        text = string_body_to_json(body) if isinstance(body, str) else to_json(body)
    else:
        text = to_json(value)
    body = encode_text(text)
    if len(body) > MAX_BODY_BYTES:
        raise ResultError(f"the result has {len(body)} bytes, at most {MAX_BODY_BYTES} are allowed",
                          "result-too-large")
    return with_meta({"statusCode": status, "headers": headers}, body)


# ---- invocations ------------------------------------------------------------

class Context:
    """What the handler is told about its invocation, as on AWS Lambda."""

    def __init__(self, config, meta):
        self._deadline = time.monotonic() + meta["timeoutMs"] / 1000
        self.aws_request_id = meta["requestId"]
        self.function_name = config["functionName"]
        self.function_version = config["functionVersion"]
        self.memory_limit_in_mb = config["memoryLimitInMB"]
        self.invoked_function_arn = config["invokedFunctionArn"]
        self.log_group_name = config["logGroupName"]
        self.log_stream_name = config["logStreamName"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - time.monotonic()) * 1000))


event_loop = None


# One event loop for the life of the process, so that clients made in one
# invocation work in the next.
def run_async(awaitable):
    global event_loop
    import asyncio
    if event_loop is None:
        event_loop = asyncio.new_event_loop()
        asyncio.set_event_loop(event_loop)

    async def wait():
        return await awaitable

    return event_loop.run_until_complete(wait())


def invoke(handler, config, nonce, payload):
    meta_end = 4 + int.from_bytes(payload[:4], "big")
    meta = json.loads(payload[4:meta_end])
    send(STARTED, nonce)
    try:
        returned = handler(json.loads(payload[meta_end:]), Context(config, meta))
        if hasattr(returned, "__await__"):
            returned = run_async(returned)
        parts = encode_result(returned)
    except SystemExit as error:
        exit_process(error)
    except ResultError as error:
        fail(nonce, error.kind, error)
    except BaseException as error:
        fail(nonce, "error", error)
    else:
        flush()
        send(RESULT, nonce, *parts)


def fail(nonce, kind, error):
    fault = describe(error)
    flush()
    send(ERROR, nonce, encode_text(dump({"kind": kind, **fault})))


def initialize(nonce, payload):
    global code_dir
    config = json.loads(payload)
    try:
        code_dir = config["codeDir"]
        os.environ.update(config["environment"])
        time.tzset()
        sys.path.insert(0, code_dir)
        handler = load_handler(config["handler"])
    except SystemExit as error:
        exit_process(error)
    except BaseException as error:
        flush()
        send(INIT_ERROR, nonce, encode_text(dump(describe(error))))
        os._exit(1)
    flush()
    send(READY, nonce)
    return config, handler


def main():
    os.set_inheritable(CHANNEL, False)
    send(HELLO, bytes(NONCE_BYTES), dump({"contract": CONTRACT_VERSION}).encode())
    kind, nonce, payload = read_frame()
    if kind != CONFIG:
        os._exit(1)
    config, handler = initialize(nonce, payload)
    while True:
        kind, nonce, payload = read_frame()
        if kind != INVOKE:
            os._exit(1)
        invoke(handler, config, nonce, payload)


main()
