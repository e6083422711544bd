"""`antiphon ingest`: what it says, what it makes of failures, and that it follows a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.terminal import ENVIRONMENT, Terminal
from tests.support.server import ANTIPHON


def sources(terminal: Terminal, collection: str) -> set[str]:
    shown = terminal.good("collections", "documents", collection)
    return {line.split()[0] for line in shown.split("\n") if "doc_" in line}


def test_a_folder(terminal: Terminal, papers: Path) -> None:
    """What cannot be read is told by name, and is no failure of the rest."""
    done = terminal.run("ingest", str(papers), "--collection", "papers")
    assert done.code == 0
    assert "2 documents taken in (2 passages), 0 unchanged, 1 failed." in done.out
    assert "papers/empty.md: " in done.err
    assert "papers/program.exe: " in done.err
    again = terminal.run("ingest", str(papers), "--collection", "papers")
    assert "0 documents taken in (0 passages), 2 unchanged, 1 failed." in again.out
    assert sources(terminal, "papers") == {"papers/hours.md", "papers/cellar.md", "papers/empty.md"}


def test_failures_and_the_exit_code(live: Terminal, papers: Path) -> None:
    assert "1 could not be taken in" in live.bad("ingest", str(papers), "--collection", "strictly", "--strict")
    assert "Nothing could be taken in" in live.bad("ingest", str(papers / "empty.md"), "--collection", "nothing")
    assert live.run("ingest", str(papers / "none.md")).code == 2
    assert live.run("ingest").code == 2
    assert live.run("ingest", "https://example.org", "--watch").code == 2


def test_an_address_that_may_not_be_asked(live: Terminal) -> None:
    """This machine's own addresses are not the web."""
    done = live.run("ingest", "http://127.0.0.1:9/", "--collection", "web")
    assert (done.code, "http://127.0.0.1:9/: " in done.err) == (1, True)


def test_several_sources_and_a_prefix(live: Terminal, papers: Path) -> None:
    files = [str(papers / name) for name in ("hours.md", "cellar.md")]
    told = live.good("ingest", *files, "--collection", "linked", "--url-prefix", "https://docs.example.org/guide")
    assert "2 documents taken in" in told
    answer = live.good("ask", "Where does the cellar key hang?")
    assert "https://docs.example.org/guide/cellar.md" in answer or "/documents/doc_" in answer


@contextmanager
def watching(terminal: Terminal, folder: Path, collection: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(ANTIPHON), "ingest", str(folder), "--collection", collection, "--watch", "--data", str(terminal.data)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, b"Traceback" in err) == (0, False), (out, err)


def until(process: subprocess.Popen[bytes], holds: Callable[[str], bool]) -> str:
    """What it has said by the time that this holds."""
    assert process.stdout is not None
    said = b""
    while not holds(said.decode()):
        assert process.poll() is None, said
        said += process.stdout.read() or b""
        time.sleep(0.05)
    return said.decode()


def test_watching(live: Terminal, papers: Path) -> None:
    """New, changed and deleted files, each within a round; what did not change is left alone."""
    with watching(live, papers, "watched") as process:
        until(process, lambda said: "2 documents taken in" in said)
        (papers / "attic.md").write_text("# The attic\n\nThe ladder stands behind the wardrobe.\n", encoding="utf-8")
        until(process, lambda said: "1 documents taken in" in said)
        (papers / "cellar.md").write_text("# The cellar\n\nThe cellar key hangs under the clock.\n", encoding="utf-8")
        until(process, lambda said: "1 documents taken in" in said)
        (papers / "hours.md").unlink()
        until(process, lambda said: "papers/hours.md: gone, deleted" in said)
    assert sources(live, "watched") == {"papers/attic.md", "papers/cellar.md", "papers/empty.md"}
    assert "under the clock" in live.good("ask", "Where does the cellar key hang?")


def test_watching_without_a_server(tmp_path: Path, papers: Path) -> None:
    """It holds the directory meanwhile, so others reach it through the server that it runs, or are told."""
    terminal = Terminal(tmp_path / "data")
    with watching(terminal, papers, "alone") as process:
        until(process, lambda said: "2 documents taken in" in said)
        names = {one["name"] for one in json.loads(terminal.good("collections", "list", "--json"))}
        assert names == {"alone"}
