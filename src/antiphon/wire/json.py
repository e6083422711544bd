"""The one strict reader of request bodies: bytes in, a value or a BadRequest out, the same for every dialect and route.

Refused, with a plain sentence: what is not UTF-8 or not JSON (NaN and Infinity are not), lone surrogates, NUL characters (databases refuse
them later, and less clearly), integers beyond 64 bits, nesting deeper than 64, and bodies of hundreds of thousands of values.

Cost: one pass of msgspec for ordinary bodies. The further checks only look at a body that could fail them.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any, Final, TypeVar

import msgspec

from antiphon.core.errors import BadRequest

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 250_000
"""Roughly: counted in brackets and commas, two for a value."""

T = TypeVar("T")

_decoder = msgspec.json.Decoder()
# The closing quote is optional so that an unterminated string still matches in one pass; the decoder refuses it afterwards.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b"[]{},"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}
_LONG_NUMBER = re.compile(rb"\d{19}")
_AT = re.compile(r"^(?P<what>.*?) - at `(?P<key>key in )?\$(?P<path>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]*)`$")
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**64 - 1


def decode(body: bytes) -> Any:
    """The JSON value of a body. Raises BadRequest."""
    _check_structure(body)
    try:
        value = _decoder.decode(body)
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.", code="invalid_json") from None
    except msgspec.ValidationError:
        raise BadRequest("The body holds a number that is out of range.", code="invalid_json") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not valid JSON: {_reason(body, str(error))}.", code="invalid_json") from None
    if b"\\u0000" in body or _LONG_NUMBER.search(body):
        _check_values(value)
    return value


def decode_as(body: bytes, shape: type[T]) -> T:
    """The body as a msgspec type. Raises BadRequest."""
    return convert(decode(body), shape)


def convert(value: Any, shape: type[T]) -> T:
    """A decoded value as a msgspec type. Raises BadRequest whose param is the path of the field at fault, like `messages[0].role`."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        message, param = _explain(str(error))
        raise BadRequest(message, param=param) from None


def _check_structure(body: bytes) -> None:
    """Depth and number of values, before anything is built."""
    openings = body.count(b"[") + body.count(b"{")
    if openings <= MAX_DEPTH and body.count(b",") <= MAX_VALUES:
        return
    structure = _STRING.sub(b"", body).translate(None, _NOT_STRUCTURE)
    if len(structure) > 2 * MAX_VALUES:
        raise BadRequest("The body holds too many values.", code="invalid_json")
    if max(accumulate(map(_STEP.__getitem__, structure)), default=0) > MAX_DEPTH:
        raise BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels.", code="invalid_json")


def _check_values(value: Any) -> None:
    """No NUL in any text, no integer beyond 64 bits."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str):
            if "\0" in item:
                raise BadRequest("The body holds a NUL character.", code="invalid_json")
        elif isinstance(item, int) and not _INT_MIN <= item <= _INT_MAX:
            raise BadRequest("The body holds a number that is out of range.", code="invalid_json")


def _reason(body: bytes, error: str) -> str:
    if not body.strip():
        return "it is empty"
    if error.startswith("Input data was truncated"):
        return "it ends too early or holds half a surrogate pair"
    return error.removeprefix("JSON is malformed: ") or "it cannot be read"


def _explain(error: str) -> tuple[str, str | None]:
    """msgspec's sentence as ours, and the path it speaks of."""
    at = _AT.match(error)
    what, path = (at["what"], at["path"].lstrip(".")) if at else (error, "")
    if missing := _MISSING.match(what):
        path = f"{path}.{missing['name']}" if path else missing["name"]
        return f"'{path}' is missing.", path
    plain = what.replace("`", "")
    plain = plain[:1].lower() + plain[1:]
    return (f"'{path}': {plain}.", path) if path else (f"The body: {plain}.", None)
