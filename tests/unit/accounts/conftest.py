"""Accounts on a real database, with cheap hashing and a clock that tests can turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.accounts.authenticate import Authenticator
from antiphon.accounts.passwords import Passwords
from antiphon.accounts.secrets import Keyring
from antiphon.accounts.service import Accounts
from antiphon.storage.database import Database
from antiphon.storage.limits import RateLimits
from tests.support.database import new_database


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class House:
    """One server's accounts."""

    def __init__(self, directory: Path) -> None:
        self.clock = Clock()
        self.database: Database = new_database(directory)
        self.keyring = Keyring.of(directory / "secret.key")
        self.authenticator = Authenticator(self.database, self.keyring, local_token="local-secret", clock=self.clock)
        self.accounts = Accounts(self.database, self.authenticator, RateLimits(), passwords=Passwords(memory_kib=64, rounds=1))

    def close(self) -> None:
        self.accounts.close()
        self.database.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}
