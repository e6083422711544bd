"""The page of errors: the tree as core.errors draws it, and every code that the source gives an error, found by reading the source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Final, NamedTuple, get_args

from antiphon.core import errors
from antiphon.core.errors import AntiphonError
from antiphon.permissions.kinds import GRANTED
from antiphon.retrieval.extract.document import Reason, Unreadable
from tests.house.tree import parse, python_files

THINGS: Final = sorted({*GRANTED, "document", "user", "key", "run", "conversation"})
KNOWN: Final = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, AntiphonError)}


class Said(NamedTuple):
    """One place in the source where an error gets a code."""

    code: str
    status: int
    message: str


def errors_page(note: str) -> str:
    lines = [
        "# Errors",
        "",
        note,
        "",
        "An error is sorted by whose fault it is. Before the first byte of an answer it is an HTTP status with a body in the dialect's own",
        "form; after it, an event. A message never holds a secret, a trace or what a model's server said; that goes to the log.",
        "",
        "## Kinds",
        "",
        "| kind | status | code, where nothing more exact is known | fault | worth repeating |",
        "|---|---|---|---|---|",
    ]
    for name, kind in KNOWN.items():
        if name not in ("AntiphonError", "CallerError"):
            lines.append(f"| {name} | {kind.status} | `{kind.default_code}` | {kind.fault} | {'yes' if kind.retryable else 'no'} |")
    lines += ["", "## Codes", "", "A code is stable, its message is not. The message shown is an example.", ""]
    lines += ["| code | status | message |", "|---|---|---|"]
    for code, found in sorted(_codes().items()):
        statuses = ", ".join(str(status) for status in sorted({one.status for one in found}))
        message = next((one.message for one in found if one.message.strip("…")), "")
        lines.append(f"| `{code}` | {statuses} | {message} |")
    lines += ["", "## Documents that cannot be read", "", "Told by name in the progress of a batch, and as the document's `error`.", ""]
    lines += ["| reason | message |", "|---|---|"]
    reasons = _unreadable()
    lines += [f"| `{reason}` | {reasons[reason]} |" for reason in get_args(Reason)]
    return "\n".join(lines) + "\n"


def _codes() -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = {}
    for said in [*_raised(), *_written()]:
        found.setdefault(said.code, []).append(said)
    return found


def _raised() -> Iterator[Said]:
    """`NotFound("There is no such site.", code="unknown_site")`, in all its forms."""
    for call in _calls():
        kind = KNOWN.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if kind is None or not call.args:
            continue
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
        message = text_of(call.args[0])
        if isinstance(given, ast.JoinedStr) and text_of(given) == "…_not_found":
            for thing in THINGS:
                yield Said(text_of(given).replace("…", thing), kind.status, message.replace("…", thing))
        elif isinstance(given, ast.Constant):
            yield Said(str(given.value), kind.status, message)
        elif given is None and kind is not AntiphonError:
            yield Said(kind.default_code, kind.status, message)


def _written() -> Iterator[Said]:
    """Codes that no error of the tree carries."""
    yield Said("method_not_allowed", 405, "This address does not take that method.")
    yield Said("no_relevant_information", 404, "No relevant information found for this question.")


def _unreadable() -> dict[str, str]:
    found: dict[str, str] = {}
    for call in _calls():
        if isinstance(call.func, ast.Name) and call.func.id == Unreadable.__name__ and isinstance(call.args[0], ast.Constant):
            found.setdefault(str(call.args[0].value), text_of(call.args[1]))
    return found


def _calls() -> Iterator[ast.Call]:
    for path in sorted(python_files("src")):
        yield from (node for node in ast.walk(parse(path)) if isinstance(node, ast.Call))


def text_of(node: ast.expr) -> str:
    """A string as it is written, with … for what is known only later."""
    match node:
        case ast.Constant(value=str(text)):
            return text.replace("|", "\\|")
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) if isinstance(value, ast.Constant) else "…" for value in values)
        case ast.BinOp(left=left, right=right):
            return text_of(left) + text_of(right)
        case _:
            return "…"
