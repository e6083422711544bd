"""Tickets: for a browser's EventSource, which can send no header and whose URL ends up in logs.

A ticket lives a minute and opens one stream: of the run it was made for, or of the one question it is used to ask. After that the same
ticket only lets its own stream reconnect (which EventSource does by itself, with Last-Event-ID), for as long as `RESUME_SECONDS`.
Which tickets were used is remembered by this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from antiphon.accounts.secrets import Keyring
from antiphon.accounts.tokens import Claims, TokenSigner
from antiphon.core.errors import Unauthenticated

LIFE_SECONDS: Final = 60
RESUME_SECONDS: Final = 3_600
_ASK: Final = "ask"
_RUN: Final = "run:"


class Ticket(msgspec.Struct, frozen=True):
    """A redeemed ticket. run: the run that may be read; None when a new question may be asked. Then tell `Tickets.started`."""

    id: str
    run: str | None


class Tickets:
    """clock: seconds since the epoch."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.time) -> None:
        self._signer = TokenSigner(keyring, "ticket", clock)
        self._clock = clock
        self._used: dict[str, tuple[float, str | None]] = {}

    def issue(self, user: str, version: int, *, key: str | None, run: str | None) -> str:
        """run: the run to read, None for a new question."""
        ticket, _ = self._signer.issue(user, version, LIFE_SECONDS, key=key, about=_ASK if run is None else _RUN + run)
        return ticket

    def redeem(self, ticket: str, resume: str | None = None) -> tuple[Ticket, Claims]:
        """Use a ticket. resume: the run named by Last-Event-ID. Raises Unauthenticated."""
        claims = self._signer.verify(ticket, grace=RESUME_SECONDS)
        if claims.about != _ASK and not (claims.about or "").startswith(_RUN):
            raise Unauthenticated("This is not a ticket for a stream.", code="invalid_credential")
        now = self._clock()
        used = self._used.get(claims.jti)
        if used is None:
            if now >= claims.exp:
                raise Unauthenticated("This ticket has expired.", code="invalid_credential")
            run = resume if claims.about == _ASK else str(claims.about).removeprefix(_RUN)
            if resume not in (None, run):
                raise Unauthenticated("This ticket is for another stream.", code="invalid_credential")
            self._sweep(now)
            self._used[claims.jti] = (claims.exp + RESUME_SECONDS, run)
            return Ticket(claims.jti, run), claims
        if resume is None or used[1] != resume:
            raise Unauthenticated("This ticket was used already.", code="invalid_credential")
        return Ticket(claims.jti, resume), claims

    def started(self, ticket: Ticket, run: str) -> None:
        """The run that this ticket's question became: it alone may be resumed with it."""
        used = self._used.get(ticket.id)
        if used is not None and used[1] is None:
            self._used[ticket.id] = (used[0], run)

    def _sweep(self, now: float) -> None:
        for id in [id for id, (until, _) in self._used.items() if until <= now]:
            del self._used[id]
