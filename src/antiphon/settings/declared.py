"""Every setting of the server: typed and explained.

In the environment a setting is called ANTIPHON_<NAME>, or by the conventional name declared with it. In a file it stands under its group:
`server: {port: 8123}`. A change takes effect at once unless the setting says `restart`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from antiphon.core.errors import BadRequest

PREFIX: Final = "ANTIPHON_"


class How(NamedTuple):
    """env: conventional names besides ANTIPHON_<NAME>. restart: looked at only at start. stored: may be changed in the database."""

    env: tuple[str, ...] = ()
    restart: bool = False
    stored: bool = True


AT_START: Final = How(restart=True)
NOT_STORED: Final = How(restart=True, stored=False)


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("it must be an address like https://chat.example.org")
    return text.rstrip("/")


def _path_prefix(text: str) -> str:
    if text.strip("/") and not text.startswith("/"):
        raise ValueError("it must begin with '/'")
    return text.rstrip("/")


def _ollama_address(text: str) -> str:
    """What OLLAMA_HOST may hold: an address to listen on, with or without scheme and port."""
    text = text.strip().rstrip("/")
    if text in ("", "off"):
        return ""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    host = "127.0.0.1" if parts.hostname in (None, "0.0.0.0", "::") else parts.hostname  # noqa: S104  # listened on, not asked at
    port = parts.port or (11434 if "://" not in text else None)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}{parts.path}"


Url = Annotated[str, AfterValidator(_web_address)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Server(Group):
    host: Annotated[str, Field(min_length=1, description="Address to listen on."), NOT_STORED] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one."), NOT_STORED] = 8000
    data: Annotated[Path, Field(description="Data directory: database, keys, lock."), NOT_STORED] = Path("antiphon-data")
    public_url: Annotated[Url | None, Field(description="Address under which the world reaches the server, for links and cookies.")] = None
    root_path: Annotated[
        str, AfterValidator(_path_prefix), Field(description="Path in front of every route, behind a proxy."), AT_START
    ] = ""
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...], Field(description="Networks whose forwarding headers are believed (CIDR).")
    ] = ()
    redis_url: Annotated[
        SecretStr | None, Field(description="Redis or Valkey, where several servers share limits."), How(("REDIS_URL",), True)
    ] = None
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="The least that is logged.")] = "info"
    log_format: Annotated[Literal["auto", "text", "json"], Field(description="auto: text on a terminal, JSON elsewhere."), AT_START] = (
        "auto"
    )


class Access(Group):
    local_access: Annotated[
        Literal["quote", "off"],
        Field(description="What a caller without credential on this very machine gets: the model quote, or nothing."),
    ] = "quote"
    anonymous: Annotated[bool, Field(description="Answer callers without credential on the API, with what everyone was given.")] = False
    environment_key_public: Annotated[
        bool, Field(description="Let model keys found in the environment serve anonymous callers and visitors; this costs money.")
    ] = False
    admin_email: Annotated[str | None, Field(description="The first administrator, made at start when there is none."), NOT_STORED] = None
    admin_password: Annotated[SecretStr | None, Field(description="The first administrator's password."), NOT_STORED] = None
    token_minutes: Annotated[int, Field(ge=1, le=10_080, description="Life of a token given out by a sign-in.")] = 720
    session_days: Annotated[int, Field(ge=1, le=365, description="Life of a session in the browser.")] = 14


class Models(Group):
    default_model: Annotated[str | None, Field(description="The model behind bots that name none; quote when unset.")] = None
    ollama_url: Annotated[
        str,
        AfterValidator(_ollama_address),
        Field(description="Where to look for a local Ollama; off does not look."),
        How(("OLLAMA_BASE_URL", "OLLAMA_HOST"), True),
    ] = "http://127.0.0.1:11434"
    connect_seconds: Annotated[Seconds, Field(description="Time for a model's server to accept a connection.")] = 5.0
    first_byte_seconds: Annotated[Seconds, Field(description="Time for it to begin its answer.")] = 60.0
    idle_seconds: Annotated[Seconds, Field(description="Longest silence within an answer.")] = 120.0


class Dialects(Group):
    bots: Annotated[dict[str, str], Field(description="Which bot or model answers on a dialect when none is named: {dialect: name}.")] = {}
    store_text: Annotated[frozenset[str], Field(description="Dialects whose questions and answers are kept with the run.")] = frozenset()
    heartbeat_seconds: Annotated[Seconds, Field(description="Silence before a stream gets a sign of life, where its dialect has one.")] = (
        15.0
    )


class Retrieval(Group):
    top_k: Annotated[int, Field(ge=1, le=100, description="Passages given to a model.")] = 5
    min_score: Annotated[float, Field(ge=0, le=1, description="Least confidence at which a bot uses passages at all.")] = 0.5
    hybrid: Annotated[bool, Field(description="Use vectors besides words, where there is an embedder.")] = True
    private_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        Field(description="Networks that are not public, yet may be fetched documents from (CIDR)."),
        AT_START,
    ] = ()
    embedder_url: Annotated[Url | None, Field(description="Base URL of an OpenAI-compatible /embeddings."), AT_START] = None
    embedder_model: Annotated[str | None, Field(description="The embedder's model name."), AT_START] = None
    embedder_key: Annotated[SecretStr | None, Field(description="The embedder's API key."), AT_START] = None
    embedder_directory: Annotated[Path | None, Field(description="Directory of a local embedder (antiphon[local])."), AT_START] = None


class Limits(Group):
    widget_per_minute: Annotated[Count, Field(description="Answers a minute for one visitor on one site.")] = 5
    sign_in_tries: Annotated[Count, Field(description="Tries in five minutes for one account from one network.")] = 10
    body_bytes: Annotated[int, Field(ge=1024, description="Largest JSON body.")] = 8 * 1024 * 1024
    upload_bytes: Annotated[int, Field(ge=1024, description="Largest upload."), AT_START] = 64 * 1024 * 1024


class Retention(Group):
    history_days: Annotated[Count, Field(description="How long a visitor's conversation is kept.")] = 30
    run_days: Annotated[Count, Field(description="How long it is kept what a run used.")] = 365


class Values(Group):
    """Everything as it is now."""

    server: Server = Server()
    access: Access = Access()
    models: Models = Models()
    dialects: Dialects = Dialects()
    retrieval: Retrieval = Retrieval()
    limits: Limits = Limits()
    retention: Retention = Retention()


class Setting:
    """One declared setting. name: `group.field`; variables: its names in the environment, ours first."""

    def __init__(self, group: str, field: str, cls: type[Group]) -> None:
        info = cls.model_fields[field]
        how = next((item for item in info.metadata if isinstance(item, How)), How())
        self.name = f"{group}.{field}"
        self.group, self.field = group, field
        self.description = info.description or ""
        self.default = info.default
        self.restart, self.stored = how.restart, how.stored
        self.variables = (PREFIX + field.upper(), *how.env)
        self.secret = "SecretStr" in str(info.annotation)
        self._adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
        self._plural = next((word for word in ("dict", "tuple", "frozenset") if str(info.annotation).startswith(word)), None)

    def parse(self, raw: Any, place: str) -> Any:
        """The typed value. Raises BadRequest, which names the setting and the place, never a secret."""
        try:
            return self._adapter.validate_python(raw)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise BadRequest(f"{self.name} ({place}): {problem}.", code="invalid_setting", param=self.name) from None

    def split(self, text: str) -> Any:
        """What the environment can say: a list as `a,b`, a mapping as `a=b,c=d`, either also as JSON."""
        if self._plural is None:
            return text
        if text.lstrip()[:1] in ("[", "{"):
            try:
                return json.loads(text)
            except ValueError:
                return text
        items = [item.strip() for item in text.split(",") if item.strip()]
        return dict(item.partition("=")[::2] for item in items) if self._plural == "dict" else items

    def plain(self, value: Any) -> Any:
        """As JSON may hold it; a secret in the open."""
        return value.get_secret_value() if isinstance(value, SecretStr) else self._adapter.dump_python(value, mode="json")


def _declared() -> Iterator[Setting]:
    for group, info in Values.model_fields.items():
        cls = info.annotation
        assert isinstance(cls, type), "groups are classes"
        assert issubclass(cls, Group), "groups are Groups"
        for field in cls.model_fields:
            yield Setting(group, field, cls)


SETTINGS: Final[dict[str, Setting]] = {setting.name: setting for setting in _declared()}
