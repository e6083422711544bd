"""The command line as its users have it: a process of its own, what it printed, and how it ended."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.server import ANTIPHON

ENVIRONMENT = {"PATH": os.environ["PATH"], "ANTIPHON_OLLAMA_URL": "off", "COLUMNS": "200"}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Terminal:
    """Of somebody who works on this data directory."""

    data: Path

    def run(self, *arguments: str, typed: str = "", **environment: str) -> Done:
        """Any outcome."""
        command = [str(ANTIPHON), *arguments, "--data", str(self.data)]
        full = {**ENVIRONMENT, **environment}
        done = subprocess.run(command, env=full, input=typed, capture_output=True, text=True, timeout=120, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def good(self, *arguments: str, typed: str = "") -> str:
        """What a command that must succeed printed; it complains about nothing."""
        done = self.run(*arguments, typed=typed)
        assert (done.code, "Traceback" in done.err) == (0, False), done
        return done.out

    def bad(self, *arguments: str, typed: str = "") -> str:
        """The one line that a command that must fail said."""
        done = self.run(*arguments, typed=typed)
        assert done.code == 1, done
        last = done.err.strip().split("\n")[-1]
        assert last.startswith("antiphon: "), done
        assert "Traceback" not in done.err
        return last
