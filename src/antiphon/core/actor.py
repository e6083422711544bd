"""Who is asking. Every permission question starts from one of these; default is nobody, who may do nothing.

An API key acts as its user, bounded by its own scopes. A visitor is nobody in particular on a known site.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ActorKind = Literal["anonymous", "local", "visitor", "user", "key"]
Carrier = Literal["none", "bearer", "cookie", "ticket", "local-token"]


class Actor(msgspec.Struct, frozen=True):
    """kind: local is somebody on this very machine (loopback) without a credential. user: the user's id for user and key actors.

    key: the API key's id. site: the site's slug for visitors. scopes: what a key is confined to; empty means all that its user may.
    client: the address behind trusted proxies, for limits of the nameless.
    """

    kind: ActorKind = "anonymous"
    user: str | None = None
    name: str | None = None
    admin: bool = False
    key: str | None = None
    site: str | None = None
    scopes: frozenset[str] = frozenset()
    carrier: Carrier = "none"
    client: str = ""

    @property
    def subject(self) -> str:
        """A stable name for limits and metering: the key, the user, else the address."""
        return self.key or self.user or f"{self.kind}:{self.client}"


ANONYMOUS = Actor()
SYSTEM = Actor(kind="user", user="system", name="system", admin=True)
