"""What the routes are given: every room's service in one value, joined by `app.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Protocol

import msgspec

from antiphon.accounts.authenticate import Authenticator
from antiphon.accounts.service import Accounts
from antiphon.api.metrics import Metrics
from antiphon.api.stream import Streams
from antiphon.bots.catalogue import Catalogue
from antiphon.chat.ports import Retriever
from antiphon.models.service import ModelService
from antiphon.retrieval.ingest import Ingest
from antiphon.retrieval.vectors import Embedder
from antiphon.runs.log import RunLog
from antiphon.storage.database import Database
from antiphon.storage.limits import RateLimits

DAY_MS: Final = 24 * 60 * 60 * 1000


class Options(msgspec.Struct, frozen=True):
    """The settings that routes look at, as they are now; `app.py` puts a new value in place when one changes.

    body_limit, upload_limit: bytes. heartbeat: seconds of silence before a stream sends a sign of life.
    store_text: dialects whose questions and answers are kept. history_days: how long a visitor's conversation is kept.
    widget_per_minute: streams a visitor may begin on a site that sets no limit of its own.
    """

    body_limit: int = 8 * 1024 * 1024
    upload_limit: int = 64 * 1024 * 1024
    heartbeat: float = 15.0
    store_text: frozenset[str] = frozenset()
    history_days: int = 30
    widget_per_minute: int = 5
    local_access: bool = True
    public_url: str | None = None
    root_path: str = ""
    anonymous: bool = False
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class SettingsPort(Protocol):
    """settings.layers.Settings, by shape: the room above this one. Rows are settings.layers.Row."""

    def rows(self) -> list[Any]: ...

    async def put(self, name: str, value: Any) -> Any: ...

    async def forget(self, name: str) -> Any: ...


@dataclass
class Services:
    db: Database
    authenticator: Authenticator
    catalogue: Catalogue
    models: ModelService
    settings: SettingsPort
    retriever: Retriever
    limits: RateLimits
    accounts: Accounts
    metrics: Metrics
    ingest: Ingest
    embedder: Embedder | None = None
    runs: RunLog = field(default_factory=RunLog)
    streams: Streams = field(default_factory=Streams)
    options: Options = field(default_factory=Options)
