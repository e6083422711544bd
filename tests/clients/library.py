"""The server that the clients visit: the test corpus behind the built-in bot, the models of the fake upstream, and one member."""

from __future__ import annotations

from pathlib import Path

from tests.clients.answers import FAULTY, MODELS
from tests.support.server import Server
from tests.support.upstream import FakeUpstream

CORPUS = Path(__file__).parents[1] / "corpus"
COLLECTION = "library"


class Library(Server):
    """user, email, password: of the member, whose key and token these are. upstream: the fake upstream that serves the models."""

    user = "anna"
    email = "anna@example.org"
    password = "correct horse battery"

    def __init__(self, data: Path, upstream: FakeUpstream) -> None:
        super().__init__(data, environment={"ANTIPHON_SIGN_IN_TRIES": "1000"})
        self.upstream = upstream
        self.key = ""
        self.token = ""

    def furnish(self) -> None:
        """As an owner does it."""
        self.add_user(self.user, self.password, self.email)
        self.key = self.add_key(self.user)
        self.token = self.sign_in(self.user, self.password)
        self.cli("ingest", *(str(CORPUS / language) for language in ("en", "zh", "vi")), "--collection", COLLECTION)
        for name in (*MODELS, *FAULTY):
            self.add_model(name, self.upstream.url, api_key="sk-upstream")

    def open(self, slug: str, *, bot: str = "antiphon", origins: tuple[str, ...] = (), per_minute: int = 1000) -> None:
        self.open_site(slug, COLLECTION, bot=bot, origins=origins, per_minute=per_minute)
