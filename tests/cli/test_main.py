"""Help, usage and speed of the command line itself."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from antiphon.cli.main import VERBS, cli
from tests.cli.terminal import ENVIRONMENT
from tests.support.server import ANTIPHON


def antiphon(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ANTIPHON), *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_verb() -> None:
    done = antiphon("--help")
    assert done.returncode == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_no_verb(arguments: list[str]) -> None:
    """So that it is there at once."""
    code = (
        "import sys; from antiphon.cli.main import cli\n"
        f"try: cli({arguments!r}, prog_name='antiphon')\n"
        "except SystemExit: pass\n"
        "print('|' + ' '.join(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stderr.rpartition("|")[2].split())
    heavy = {"sqlalchemy", "fastapi", "pydantic", "uvicorn", "httpx2", "numpy", "rich", "antiphon.app", "antiphon.settings.layers"}
    assert loaded & heavy == set()


def test_verbs_on_a_live_server_load_no_server() -> None:
    code = "import sys; import antiphon.cli.ask, antiphon.cli.user, antiphon.cli.ingest\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)
    assert not {"fastapi", "uvicorn", "numpy", "antiphon.app"} & set(done.stdout.split())


def _all_commands() -> list[list[str]]:
    context = click.Context(cli)
    found = []
    for verb in VERBS:
        found.append([verb])
        command = cli.get_command(context, verb)
        if isinstance(command, click.Group):
            found += [[verb, name] for name in command.commands]
    return found


@pytest.mark.parametrize("command", _all_commands(), ids=" ".join)
def test_every_verb_explains_itself(command: list[str]) -> None:
    """In words: of each argument and option that it shows, what it is for."""
    context = click.Context(cli)
    found = cli.get_command(context, command[0])
    if len(command) > 1 and isinstance(found, click.Group):
        found = found.commands[command[1]]
    assert found is not None
    shown = found.get_help(click.Context(found, info_name=command[-1]))
    assert found.help
    for parameter in found.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or parameter.name in ("provider",), f"{command}: {parameter.name}"
            assert parameter.opts[0] in shown


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--port", "x"], ["serve", "--nonsense"], ["ask"], ["user", "nonsense"]])
def test_wrong_usage(arguments: list[str]) -> None:
    done = antiphon(*arguments)
    assert done.returncode == 2
    assert "Usage: antiphon" in done.stderr
    assert "Traceback" not in done.stderr
