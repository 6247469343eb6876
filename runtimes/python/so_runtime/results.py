"""What a handler returned, as status, headers and JSON."""

import json
import re

from so_runtime.errors import ResultError, encode_text

MAX_BODY_BYTES = 6 * 1024 * 1024
MAX_HEADERS = 64
MAX_HEADER_BYTES = 16 * 1024


def dump(value):
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


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


def checked_status(status):
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise ResultError("statusCode must be an integer from 100 to 599")
    return status


def encode_head(answer):
    status = checked_status(answer.get("statusCode", 200))
    return encode_text(dump({"statusCode": status, "headers": checked_headers(answer.get("headers"))}))


def encode_result(value):
    status, headers = 200, {}
    if isinstance(value, dict) and value.get("statusCode") is not None:
        status = checked_status(value["statusCode"])
        headers = checked_headers(value.get("headers"))
        body = value.get("body")
        text = string_body_to_json(body) if isinstance(body, str) else to_json(body)
    else:
        text = to_json(value)
    body = encode_text(text)
    if len(body) > MAX_BODY_BYTES:
        raise ResultError(f"the result has {len(body)} bytes, at most {MAX_BODY_BYTES} are allowed",
                          "result-too-large")
    return encode_text(dump({"statusCode": status, "headers": headers})), body
