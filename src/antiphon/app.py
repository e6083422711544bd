"""The composition root: the only file that knows everyone.

Makes every room's service, joins ports to adapters, starts and stops them in order, and hands changed settings to whoever looks at them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import structlog

from antiphon.accounts.authenticate import Authenticator
from antiphon.accounts.secrets import Keyring
from antiphon.accounts.service import Accounts, Terms
from antiphon.api import routes
from antiphon.api.dispatch import Dispatcher
from antiphon.api.metrics import Metrics
from antiphon.api.services import DAY_MS, Options, Services
from antiphon.api.stream import Streams
from antiphon.bots.catalogue import Catalogue, Defaults
from antiphon.conversations import store as conversations
from antiphon.core.target import ECHO, QUOTE
from antiphon.jobs.housekeeping import Chore, Housekeeper, ended_jobs
from antiphon.jobs.worker import Worker
from antiphon.models.catalogue import ModelCatalogue
from antiphon.models.discovery import Discovery
from antiphon.models.servers import Servers
from antiphon.models.service import ModelService
from antiphon.providers.echo.provider import Echo
from antiphon.providers.quote.provider import Quoting
from antiphon.providers.transport import Limits, Transport
from antiphon.retrieval import tokens
from antiphon.retrieval.egress import Egress
from antiphon.retrieval.ingest import Ingest
from antiphon.retrieval.reading.pool import Extractor
from antiphon.retrieval.retriever import Retriever
from antiphon.retrieval.vectors import Embedder
from antiphon.runs import store as runs
from antiphon.settings.declared import Retrieval, Values
from antiphon.settings.layers import Settings
from antiphon.storage import migrate
from antiphon.storage.database import Database
from antiphon.storage.directory import DataDirectory
from antiphon.storage.ids import now_ms
from antiphon.storage.limits import RateLimits

log = structlog.get_logger(__name__)

HOUR = 3_600.0


class Application:
    """One server on one data directory, whose lock the caller holds. `start` inside the event loop, then `asgi` answers; `stop` at the end.

    address: where it listens, as others on this machine reach it (`http://127.0.0.1:8000`); set by whoever listens.
    setup_token: the secret of the set-up link, None when there is an administrator.
    """

    asgi: Dispatcher
    services: Services

    def __init__(self, settings: Settings, directory: DataDirectory) -> None:
        self.settings = settings
        self.directory = directory
        self.address = ""
        self.local_token = "local-" + secrets.token_urlsafe(32)
        self.setup_token: str | None = None
        self._ready = False
        self._closers: list[Callable[[], Awaitable[None]]] = []

    @property
    def base_url(self) -> str:
        """What our own links begin with, without a trailing slash."""
        server = self.settings.values.server
        return server.public_url or self.address + server.root_path

    async def start(self) -> None:
        """Brings the database to this version's schema first. Raises OurError when it belongs to a newer program."""
        await asyncio.to_thread(migrate.upgrade, self.directory.database)
        database = Database(self.directory.database)
        keyring = Keyring.of(self.directory.key)
        await self.settings.attach(database, keyring.box("setting"))
        values = self.settings.values
        redis = values.server.redis_url
        limits = RateLimits(redis.get_secret_value() if redis else None)
        authenticator = Authenticator(database, keyring, local_token=self.local_token)
        accounts = Accounts(database, authenticator, limits)
        transport = Transport()
        servers = Servers(
            transport, keyring.box("provider-key"), self.settings.variable, found=self.settings.found, ollama_url=values.models.ollama_url
        )
        discovery = Discovery(transport, lambda: database.read(servers.all))
        models = ModelCatalogue(servers, discovery, {QUOTE: Quoting(_words, _question_words), ECHO: Echo()})
        extractor, streams = Extractor(), Streams()
        embedder = _embedder(values.retrieval, self.directory)
        egress = Egress(allowed=[str(network) for network in values.retrieval.private_networks])
        ingest = Ingest(database, extractor, egress, self.directory.spool, embedder=embedder)
        worker = Worker(database, [ingest])
        ingest.on_queued = worker.wake
        self.services = Services(
            db=database,
            authenticator=authenticator,
            accounts=accounts,
            catalogue=Catalogue(database, models, Defaults()),
            models=ModelService(database, servers, discovery),
            settings=self.settings,
            retriever=Retriever(database, lambda: self.base_url, embedder),
            limits=limits,
            metrics=Metrics(streams.__len__),
            ingest=ingest,
            embedder=embedder,
            streams=streams,
        )
        self._servers = servers
        accounts.listen(self._end_runs_of)
        self.settings.listen(self._changed)
        self._apply()
        housekeeper = Housekeeper(self._chores())
        self.asgi = routes.assemble(self.services, self._is_ready)
        await self._first_administrator()
        await self._open_environment_models()
        discovery.start()
        await worker.start()
        await housekeeper.start()
        self._closers = [housekeeper.stop, worker.stop, discovery.stop, transport.close, limits.close]
        self._to_close = [extractor.close, accounts.close, database.close]
        self._ready = True

    async def drain(self) -> None:
        """Not ready any more: tell open streams that the server goes away."""
        self._ready = False
        await self.services.streams.close()

    async def stop(self) -> None:
        """Everything in the reverse order; the database last, with what was queued for it."""
        self._ready = False
        for close in self._closers:
            await close()
        for end in self._to_close:
            await asyncio.to_thread(end)

    async def _is_ready(self) -> bool:
        if not self._ready:
            return False
        await self.services.db.read(lambda connection: None)
        return True

    async def _first_administrator(self) -> None:
        access = self.settings.values.access
        if access.admin_email and access.admin_password:
            await self.services.accounts.setup.from_configuration(access.admin_email, access.admin_password.get_secret_value())
        self.setup_token = await self.services.accounts.setup.link()

    def _chores(self) -> list[Chore]:
        database = self.services.db

        async def old_runs() -> int:
            return await database.write(runs.expire, now_ms() - self.settings.values.retention.run_days * DAY_MS)

        return [
            Chore("visitors' conversations", HOUR, lambda: database.write(conversations.expire)),
            Chore("old runs", HOUR, old_runs),
            Chore("what ingest left behind", HOUR, lambda: self.services.ingest.sweep(now_ms() / 1000 - HOUR)),
            ended_jobs(database),
        ]

    def _end_runs_of(self, user: str) -> None:
        """His rights may have shrunk: what still runs in his name ends."""
        for run in self.services.runs.active():
            if run.owner.user == user:
                run.stop()

    async def _open_environment_models(self) -> None:
        await self.services.models.establish(environment_public=self.settings.values.access.environment_key_public)

    def _changed(self, names: frozenset[str]) -> None:
        self._apply()
        if "access.environment_key_public" in names:
            self._opening = asyncio.ensure_future(self._open_environment_models())

    def _apply(self) -> None:
        """Hand the settings, as they are now, to whoever looks at them."""
        values, services = self.settings.values, self.services
        services.options = _options(values)
        services.catalogue.defaults = Defaults(
            model=values.models.default_model,
            dialects=values.dialects.bots,
            top_k=values.retrieval.top_k,
            min_score=values.retrieval.min_score,
            hybrid=values.retrieval.hybrid,
        )
        services.accounts.terms = Terms(values.access.token_minutes * 60, values.access.session_days * 86_400, values.limits.sign_in_tries)
        waits = values.models
        patience = min(Limits().after_finish, waits.idle_seconds)
        self._servers.set_limits(Limits(waits.connect_seconds, waits.first_byte_seconds, waits.idle_seconds, patience))


def _options(values: Values) -> Options:
    return Options(
        body_limit=values.limits.body_bytes,
        upload_limit=values.limits.upload_bytes,
        heartbeat=values.dialects.heartbeat_seconds,
        store_text=values.dialects.store_text,
        history_days=values.retention.history_days,
        widget_per_minute=values.limits.widget_per_minute,
        local_access=values.access.local_access == "quote",
        anonymous=values.access.anonymous,
        public_url=values.server.public_url,
        root_path=values.server.root_path,
        trusted_proxies=values.server.trusted_proxies,
    )


def _embedder(settings: Retrieval, directory: DataDirectory) -> Embedder | None:
    """A server's when one is named, else the local one, else none. Raises OurError for a local one that lacks something."""
    if settings.embedder_url and settings.embedder_model:
        from antiphon.retrieval.embed import RemoteEmbedder  # lazy: brings numpy, which most servers do without

        key = settings.embedder_key
        return RemoteEmbedder(settings.embedder_url, settings.embedder_model, key.get_secret_value() if key else None)
    if settings.embedder_directory:
        from antiphon.retrieval.minilm.embedder import MiniLm  # lazy: see above

        return MiniLm(settings.embedder_directory, directory.models)
    return None


def _words(text: str) -> list[str]:
    """A sentence's terms, as search knows them."""
    return tokens.tokenize(text).words


def _question_words(text: str) -> list[str]:
    return tokens.tokenize_query(text).words
