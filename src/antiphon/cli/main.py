"""`antiphon`: one file per group of verbs, loaded only when its verb is used, so that `--help` is quick.

Every verb is a call of the server's own API (see connection.py): what the command line can do, a program can do.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click

from antiphon.core.errors import AntiphonError

VERBS: Final = {
    "serve": ("antiphon.cli.serve", "serve", "Start the server."),
    "ask": ("antiphon.cli.ask", "ask", "Ask a question and read the answer here."),
    "ingest": ("antiphon.cli.ingest", "ingest", "Put files, folders or web pages into a collection."),
    "collections": ("antiphon.cli.collections", "collections", "List, make, show, open and delete collections."),
    "models": ("antiphon.cli.models", "models", "List, add, change and remove models."),
    "user": ("antiphon.cli.user", "user", "Add, list and change users."),
    "keys": ("antiphon.cli.keys", "keys", "Make, list and revoke API keys."),
    "config": ("antiphon.cli.config", "config", "Show and change settings."),
    "backup": ("antiphon.cli.backup", "backup", "Write everything into one file."),
    "restore": ("antiphon.cli.backup", "restore", "Put a backup in place."),
    "doctor": ("antiphon.cli.doctor", "doctor", "Check the installation and say what to do."),
}


class _Verbs(click.Group):
    """Knows every verb by a line of text and loads the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, name, _ = VERBS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, _, text) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="antiphon", message="%(prog)s %(version)s")
def cli() -> None:
    """Antiphon: one chat server for your community, company or product.

    Start it with `antiphon serve`, give it documents with `antiphon ingest PATH`, and ask with `antiphon ask "..."`.
    """


def main() -> None:
    """Runs the command line; what went wrong is one line on standard error. Exit codes: 0 done, 1 failed or broken off, 2 wrong usage."""
    try:
        cli(prog_name="antiphon")
    except AntiphonError as error:
        click.echo(f"antiphon: {error.message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
