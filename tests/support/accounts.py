"""One server's accounts on a real database, with cheap hashing and a clock that tests can turn."""

from __future__ import annotations

import time
from pathlib import Path

from antiphon.accounts.authenticate import Authenticator
from antiphon.accounts.passwords import Passwords
from antiphon.accounts.secrets import Keyring
from antiphon.accounts.service import Accounts
from antiphon.storage.limits import RateLimits
from tests.support.database import new_database

LOCAL_TOKEN = "local-secret"


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
        self.database = new_database(directory)
        self.keyring = Keyring.of(directory / "secret.key")
        self.authenticator = Authenticator(self.database, self.keyring, local_token=LOCAL_TOKEN, clock=self.clock)
        self.accounts = Accounts(self.database, self.authenticator, RateLimits(), passwords=Passwords(memory_kib=64, rounds=1))

    def close(self) -> None:
        self.accounts.close()
        self.database.close()


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}
