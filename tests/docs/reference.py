"""The pages of docs/reference/, made from the code that they describe, so that they cannot say anything else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final, cast, get_args

import click
import msgspec

from antiphon.cli.main import VERBS, cli
from antiphon.core.events import LEGAL, Event
from antiphon.settings.declared import SETTINGS, Setting, Values
from tests.docs.errors import errors_page

NOTE: Final = "<!-- Made from the code by `make docs`. Change the code, not this page. -->"
WIDTH: Final = 100


def settings_page() -> str:
    """One table for each group."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        "A value is looked for in this order: option of the command line, environment, configuration file, database, default.",
        "`antiphon config show --origin` shows every value in force and where it comes from.",
        "",
        "- **Environment**: the variables named below. A list is written `a,b`, a mapping `a=b,c=d`, or either as JSON. A secret may also",
        "  be given as `<NAME>_FILE`, the path of a file that holds it.",
        "- **File**: `antiphon.yaml`, `antiphon.yml` or `antiphon.toml` in the working directory, or the one named by `--config` or",
        "  `ANTIPHON_CONFIG`. A setting stands under its group: `server: {port: 8123}`.",
        "- **Database**: `antiphon config set NAME VALUE`, or `PUT /api/settings/NAME`.",
        "",
        "*Counts* says when a change in the database does: at once, after a restart, or never (such a setting is not stored).",
    ]
    for group in Values.model_fields:
        lines += ["", f"## {group}", "", "| setting | what it is | value | default | environment | counts |", "|---|---|---|---|---|---|"]
        lines += [_setting(setting) for setting in SETTINGS.values() if setting.group == group]
    return "\n".join(lines) + "\n"


def _setting(setting: Setting) -> str:
    default = setting.plain(setting.default)
    shown = (
        "unset"
        if default is None or default == ""
        else f"`{default if isinstance(default, str) else msgspec.json.encode(default).decode()}`"
    )
    counts = "at start" if not setting.stored else "after a restart" if setting.restart else "at once"
    variables = ", ".join(f"`{name}`" for name in setting.variables)
    cells = (f"`{setting.name}`", setting.description, _range(setting), shown, variables, counts)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _range(setting: Setting) -> str:
    """What values there are, from the setting's JSON Schema."""
    schema = Values.model_json_schema()["$defs"][setting.group.capitalize()]["properties"][setting.field]
    schema = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if setting.secret:
        return "secret text"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    kinds = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "array": "list", "object": "mapping"}
    kind = kinds.get(schema["type"], "path" if schema.get("format") == "path" else "text")
    low, high = schema.get("minimum"), schema.get("maximum")
    more = f" over {schema['exclusiveMinimum']:g}" if "exclusiveMinimum" in schema else ""
    if low is not None:
        more = f" from {low}" + (f" to {high}" if high is not None else "")
    return kind + more


def cli_page() -> str:
    """What `--help` says, for every verb."""
    lines = ["# The command line", "", NOTE, "", "Exit codes: 0 done, 1 failed, 2 wrong usage.", *_help("antiphon", cli)]
    for verb, (module, name, _) in VERBS.items():
        for path, command in _below(verb, getattr(import_module(module), name)):
            lines += _help(f"antiphon {path}", command)
    return "\n".join(lines) + "\n"


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _below(f"{path} {name}", inner)


def _help(path: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"])
    text = "\n".join(line.rstrip() for line in command.get_help(context).split("\n"))
    return ["", f"## {path}", "", "```text", text, "```"]


def events_page() -> str:
    """Every event with its fields, then the order in which they may come."""
    kinds = get_args(Event)
    lines = [
        "# Events",
        "",
        NOTE,
        "",
        "While an answer is made, these happen, and nothing else. A run is a numbered log of them, counted from 0. `run-start` is always",
        "the first and `run-end` always the last. The stored answer is what the events add up to. Dialects say of them what they can.",
    ]
    for kind in kinds:
        lines += ["", f"## {_tag(kind)}", ""]
        if kind.__doc__:
            lines += [inspect.cleandoc(kind.__doc__), ""]
        lines += ["| field | type | default |", "|---|---|---|"]
        lines += [_field(field) for field in msgspec.structs.fields(kind)]
    lines += ["", "## Order", "", "A run is in one phase at a time. Read: in this phase, this event may come, and leads to that phase."]
    lines += ["", "| event | " + " | ".join(LEGAL) + " |", "|---|" + "---|" * len(LEGAL)]
    for kind in kinds:
        row = [legal.get(kind, "") for legal in LEGAL.values()]
        lines.append(f"| `{_tag(kind)}` | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def _tag(kind: type[Any]) -> str:
    return str(cast(Any, kind).__struct_config__.tag)


def _field(field: msgspec.structs.FieldInfo) -> str:
    default = "" if field.default is msgspec.NODEFAULT else f"`{msgspec.json.encode(field.default).decode()}`"
    return f"| `{field.name}` | `{_type(field.type)}` | {default} |"


def _type(kind: Any) -> str:
    """An annotation as it was written, without the names of modules."""
    text = inspect.formatannotation(kind)
    for module in ("antiphon.core.passages.", "antiphon.core.errors.", "typing."):
        text = text.replace(module, "")
    return text.replace("|", "\\|")


PAGES: Final[dict[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "events.md": events_page,
    "errors.md": lambda: errors_page(NOTE),
}
