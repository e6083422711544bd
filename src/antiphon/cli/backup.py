"""`antiphon backup` and `antiphon restore`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import click

from antiphon.cli.connection import data_option
from antiphon.settings.layers import Settings
from antiphon.storage.backup import backup as write_backup
from antiphon.storage.backup import restore as put_back
from antiphon.storage.directory import DataDirectory


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def backup(file: Path, data: Path | None, config: Path | None) -> None:
    """Write database and keys into FILE, also while the server runs.

    Whoever has the file has everything: keep it as you keep the server.
    """
    size = write_backup(_directory(data, config), file, version("antiphon"))
    click.echo(f"Wrote {file} ({size / 1_000_000:.2f} MB).")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def restore(file: Path, data: Path | None, config: Path | None) -> None:
    """Put the backup FILE in place of what the data directory holds. The server must be stopped."""
    directory = _directory(data, config)
    directory.lock()
    try:
        kept = put_back(directory, file)
    finally:
        directory.release()
    click.echo(f"Restored {file} into {directory.path}.")
    if kept is not None:
        click.echo(f"What was there before is in {kept}.")


def _directory(data: Path | None, config: Path | None) -> DataDirectory:
    return DataDirectory(Settings.load({"server.data": data}, config).values.server.data)
