"""The server's own command: what it says at start, and that a hang-up signal reads the configuration file again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.support.server import Server


def top_k(server: Server) -> int:
    rows = {row["name"]: row["value"] for row in server.api("GET", "/api/settings")["settings"]}
    return int(rows["retrieval.top_k"])


def test_a_hang_up_reads_the_configuration_file_again(tmp_path: Path) -> None:
    file = tmp_path / "antiphon.yaml"
    file.write_text("retrieval: {top_k: 3}\n", encoding="utf-8")
    with Server(tmp_path / "data", options=["--config", str(file)]) as server:
        assert top_k(server) == 3
        file.write_text("retrieval: {top_k: 4}\n", encoding="utf-8")
        os.kill(server.pid, signal.SIGHUP)
        _until(lambda: top_k(server) == 4)
        file.write_text("retrieval: {top_k: many}\n", encoding="utf-8")
        os.kill(server.pid, signal.SIGHUP)
        _until(lambda: "the configuration file was not taken" in server.log())
        assert top_k(server) == 4


def test_the_start_names_address_link_and_next_step(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        said = server.log()
    assert f"Antiphon is ready at {server.url}" in said
    assert f"{server.url}/setup#setup-" in said
    assert "Next: " in said
    assert " ingest PATH" in said


def _until(condition: object, within: float = 20.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
