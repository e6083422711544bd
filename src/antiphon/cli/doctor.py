"""`antiphon doctor`: looks at everything that commonly goes wrong and says what to do."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from sqlite3 import sqlite_version

import click

from antiphon.cli.connection import connect, data_option
from antiphon.core.errors import AntiphonError
from antiphon.settings.layers import Settings
from antiphon.storage.backup import is_sound
from antiphon.storage.directory import DataDirectory

_LITTLE_SPACE = 500_000_000


@click.command()
@data_option
def doctor(data: Path | None, config: Path | None) -> None:
    """Check the installation and say what to do. Exit code 1 when something is wrong."""
    report = _Report()
    report.good(f"Antiphon {version('antiphon')}, Python {sys.version.split()[0]}, SQLite {sqlite_version}")
    try:
        settings = Settings.load({"server.data": data}, config)
    except AntiphonError as error:
        report.bad(error.message, "correct it and try again")
        report.end()
        return
    for notice in settings.notices:
        report.bad(notice, "correct its name, or take it away")
    directory = DataDirectory(settings.values.server.data)
    if _look_at_directory(report, directory):
        _look_at_server(report, directory, data, config)
    report.end()


class _Report:
    def __init__(self) -> None:
        self._bad = 0

    def good(self, text: str) -> None:
        click.echo(f"  ok    {text}")

    def bad(self, text: str, advice: str) -> None:
        self._bad += 1
        click.echo(f"  wrong {text}\n        -> {advice}")

    def end(self) -> None:
        click.echo("All is well." if not self._bad else f"{self._bad} to look at.")
        if self._bad:
            sys.exit(1)


def _look_at_directory(report: _Report, directory: DataDirectory) -> bool:
    """False when no server could run on it."""
    mode = directory.path.stat().st_mode & 0o077
    if mode:
        report.bad(f"{directory.path} can be read by other users of this machine", f"chmod 700 {directory.path}")
    elif not os.access(directory.path, os.W_OK):
        report.bad(f"{directory.path} cannot be written to", "run Antiphon as the user who owns it")
    else:
        report.good(f"data directory {directory.path}")
    free = shutil.disk_usage(directory.path).free
    if free < _LITTLE_SPACE:
        report.bad(f"only {free // 1_000_000} MB of disk are free", "make room; nothing can be saved on a full disk")
    if directory.database.exists():
        if is_sound(directory.database):
            report.good(f"database of {directory.database.stat().st_size / 1_000_000:.1f} MB is sound")
        else:
            report.bad("the database is damaged", "stop the server and restore a backup: antiphon restore FILE")
            return False
    return True


def _look_at_server(report: _Report, directory: DataDirectory, data: Path | None, config: Path | None) -> None:
    live = directory.live_server()
    report.good(f"server runs at {live.url}" if live else "no server runs on this directory (antiphon serve starts one)")
    try:
        with connect(data, config) as server:
            status = server.get("/api/status")
    except AntiphonError as error:
        report.bad(error.message, "look at the server's log")
        return
    counts = ", ".join(f"{count} {what}" for what, count in status["counts"].items())
    report.good(counts)
    if not status["counts"]["documents"]:
        report.bad("there are no documents yet", "antiphon ingest PATH --collection NAME")
    for source in status["sources"]:
        if source["problem"]:
            report.bad(f"models of {source['name']}: {source['problem']}", "check its address and key: antiphon models list")
        else:
            report.good(f"models of {source['name']}: {source['models']}")
