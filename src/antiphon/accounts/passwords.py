"""Passwords: argon2id, a few at a time, and the same time spent whether or not the user exists.

Hashing costs 32 MiB and tens of milliseconds on purpose. It runs in a pool of two threads, so that a flood of sign-ins takes neither the
memory nor the event loop; beyond `QUEUE` waiting attempts further ones are turned away.
Parameters: above the minimum of the OWASP Password Storage Cheat Sheet (19 MiB, t=2, p=1). A password of any length counts in full.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from antiphon.core.errors import BadRequest, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

SHORTEST: Final = 8
LONGEST: Final = 1024
THREADS: Final = 2
QUEUE: Final = 64


class Passwords:
    """`hash` and `verify`, off the event loop; `close` ends the threads."""

    def __init__(self, *, memory_kib: int = 32 * 1024, rounds: int = 3) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """argon2id in PHC form. Raises BadRequest for a password that is too short, too long or not text."""
        return await self._run(self._hasher.hash, acceptable(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one behind `stored`; None (no such user, no password) takes the same time and is always False."""
        if len(password) > LONGEST:
            return False
        return await self._run(self._matches, stored, password)

    def outdated(self, stored: str) -> bool:
        """Whether `stored` was made with other parameters than ours and should be made anew."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, stored: str | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody's password")
        try:
            self._hasher.verify(stored or self._nobody, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= QUEUE:
            raise Unavailable("Too many people are signing in at once. Try again in a moment.", code="busy", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))
        finally:
            self._waiting -= 1


def acceptable(password: str) -> bytes:
    """The password as it is hashed. Raises BadRequest outside of 8 to 1,024 characters, and for text that has no UTF-8 form."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadRequest(f"A password has {SHORTEST} to {LONGEST} characters.", param="password", code="invalid_password")
    try:
        return _encoded(password, "strict")
    except UnicodeEncodeError:
        raise BadRequest("The password is not valid text.", param="password", code="invalid_password") from None


def _encoded(password: str, errors: str = "surrogatepass") -> bytes:
    """NFC, because keyboards differ in how they compose letters (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", errors)
