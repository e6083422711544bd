"""`antiphon serve`: the server, and on its first line of output where it is and what to do next."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import click
import structlog
import uvloop

from antiphon.app import Application
from antiphon.cli.connection import data_option
from antiphon.cli.logs import log_as
from antiphon.cli.running import listen, run
from antiphon.core.errors import AntiphonError
from antiphon.settings.layers import Settings
from antiphon.storage.directory import DataDirectory

log = structlog.get_logger(__name__)


@click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default 8000; 0 takes a free one).")
@click.option("--public-url", help="Address under which the world reaches the server.")
@click.option("--root-path", help="Path in front of every route, behind a proxy.")
@click.option(
    "--trusted-proxy", "trusted_proxies", multiple=True, metavar="CIDR", help="Network whose forwarding headers are believed; repeatable."
)
@data_option
def serve(
    host: str | None,
    port: int | None,
    public_url: str | None,
    root_path: str | None,
    trusted_proxies: tuple[str, ...],
    data: Path | None,
    config: Path | None,
) -> None:
    """Start the server. Everything it keeps is in the data directory."""
    options: dict[str, Any] = {
        "server.host": host,
        "server.port": port,
        "server.data": data,
        "server.public_url": public_url,
        "server.root_path": root_path,
        "server.trusted_proxies": trusted_proxies or None,
    }
    settings = Settings.load(options, config)
    server = settings.values.server
    log_as(server.log_level, server.log_format)
    settings.listen(lambda _: log_as(settings.values.server.log_level, server.log_format))
    directory = DataDirectory(server.data)
    directory.lock()
    try:
        listener = listen(server.host, server.port)
        application = Application(settings, directory)
        uvloop.run(run(application, listener, lambda _: _ready(application)))
    finally:
        directory.release()


def _ready(application: Application) -> None:
    """Called inside the loop once the server answers. A hang-up signal reads the configuration file again."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, application.settings)
    _welcome(application)


def _reload(settings: Settings) -> None:
    try:
        settings.reload()
    except AntiphonError as error:
        log.error("the configuration file was not taken", reason=error.message)
    else:
        log.info("configuration read again")


def _welcome(application: Application) -> None:
    """Said once the server answers: its address, the set-up link while there is no administrator, and the next step."""
    base = application.base_url
    lines = [f"Antiphon is ready at {base}"]
    if application.setup_token is not None:
        lines.append(f"Set-up link (once, within a day): {base}/setup#{application.setup_token}")
    lines += [f"Note: {notice}" for notice in application.settings.notices]
    hint = _data_hint(application)
    lines.append(f'Next: {_command()} ingest PATH --collection docs{hint}, then: {_command()} ask "..."{hint}')
    click.echo("\n".join(lines))
    sys.stdout.flush()


def _command() -> str:
    """How the reader can call this command: by its name where the path leads to it, else as it was called."""
    called = sys.argv[0]
    return "antiphon" if shutil.which("antiphon") else called


def _data_hint(application: Application) -> str:
    """Commands find the server by its data directory; only one that is not the usual must be named."""
    data = application.settings.values.server.data
    return "" if application.settings.origin("server.data").layer == "default" else f" --data {data}"
