"""The JavaScript clients of tests/clients/node: run one with Node, or bundle one for a browser.

Their packages are installed by `make setup-dev`; Node itself comes with the development requirements.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "clients" / "node"
NODE = Path(sys.executable).parent / "node"


def run(script: Path, *arguments: str, **environment: str) -> str:
    """What the script wrote to its standard output. AssertionError with its complaints when it fails."""
    command = [str(NODE), str(script), *arguments]
    done = subprocess.run(command, env=environment, cwd=FOLDER, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, f"{script.name} {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


def report(name: str, *arguments: str, **environment: str) -> Any:
    """The JSON value that a client of ours prints."""
    return json.loads(run(FOLDER / name, *arguments, **environment))


def bundle(entry: Path, output: Path) -> str:
    """The entry file and all that it imports as one classic script."""
    run(FOLDER / "bundle.mjs", str(entry), str(output))
    return output.read_text(encoding="utf-8")
