"""Where the printed documents are."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def seeds(pytestconfig: pytest.Config) -> Path:
    return Path(pytestconfig.getoption("--seeds"))
