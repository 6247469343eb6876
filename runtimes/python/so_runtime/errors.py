"""What user code raises, as the runtime contract describes it."""

import os
import traceback

MAX_TYPE_BYTES, MAX_MESSAGE_BYTES = 256, 64 * 1024
MAX_STACK_LINES, MAX_STACK_LINE_BYTES = 64, 1024

RUNTIME_DIR = os.path.dirname(os.path.abspath(__file__)) + "/"

code_dir = ""


def set_code_dir(path):
    """Paths below it are shown as they are in the function's source."""
    global code_dir
    code_dir = path


class ImportModuleError(Exception):
    pass


class HandlerNotFound(Exception):
    pass


class MalformedHandlerName(Exception):
    pass


class ResultError(Exception):
    """The handler returned something that cannot be an answer."""

    def __init__(self, message, kind="invalid-result"):
        super().__init__(message)
        self.kind = kind


def encode_text(text):
    """As UTF-8; half surrogate pairs, which that does not have, become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


# Paths of the platform's mean nothing to the author of the function.
def without_host_paths(text):
    text = text.replace(RUNTIME_DIR, "(runtime)/")
    return text.replace(code_dir + "/", "") if code_dir else text


def cut(value, max_bytes):
    text = encode_text(without_host_paths(str(value)))[:max_bytes]
    return text.decode("utf-8", "ignore")


# Innermost frame first, without our own frames.
def stack_lines(error):
    lines = []
    if isinstance(error, SyntaxError) and error.filename:
        lines.append(f'File "{error.filename}", line {error.lineno}: {(error.text or "").strip()}')
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(RUNTIME_DIR) and "<frozen importlib" not in frame.filename:
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


def describe_init(error):
    """The same for what is raised while code is loaded, with types of their own
    for the usual mistakes."""
    fault = describe(error)
    try:
        if isinstance(error, SyntaxError) and (error.filename or "").startswith(code_dir + "/"):
            place = f"{error.filename}:{error.lineno}: {error.msg}"
            return {**fault, "type": "UserCodeSyntaxError", "message": cut(place, MAX_MESSAGE_BYTES)}
        if isinstance(error, ImportError):
            return {**fault, "type": "ImportModuleError"}
    except BaseException:
        pass  # A hostile property.
    return fault
