"""Model servers that the environment names by the conventions of others: OPENAI_API_KEY and its like. Pure: the environment is an argument.

Every one of them is asked by the OpenAI protocol, at the address that its owner documents for it. A key found here was meant for this
machine's user, not for the world: who may use it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec


class Found(msgspec.Struct, frozen=True):
    """name: what it is called here. key: None where none is needed. variables: where it was found. headers: sent with every call."""

    name: str
    base_url: str
    key: str | None
    variables: tuple[str, ...]
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Found(name={self.name!r}, base_url={self.base_url!r}, variables={self.variables!r})"


class _Vendor(NamedTuple):
    """urls: variables that override base_url, the first that is set. suffix: added to such a one, where the convention leaves it out."""

    name: str
    base_url: str | None
    keys: tuple[str, ...]
    urls: tuple[str, ...] = ()
    suffix: str = ""


_OPENAI_URLS: Final = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_BASE_URL")

_VENDORS: Final = (
    _Vendor("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",), _OPENAI_URLS),
    _Vendor("anthropic", "https://api.anthropic.com/v1", ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), ("ANTHROPIC_BASE_URL",), "/v1"),
    _Vendor("azure", None, ("AZURE_OPENAI_API_KEY", "AZURE_API_KEY"), ("AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"), "/openai/v1"),
    _Vendor("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
    _Vendor("mistral", "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",)),
    _Vendor("groq", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
    _Vendor("deepseek", "https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",)),
    _Vendor("openrouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
    _Vendor("together", "https://api.together.xyz/v1", ("TOGETHER_API_KEY",)),
    _Vendor("xai", "https://api.x.ai/v1", ("XAI_API_KEY",)),
    _Vendor("cohere", "https://api.cohere.ai/compatibility/v1", ("COHERE_API_KEY",)),
    _Vendor("huggingface", "https://router.huggingface.co/v1", ("HF_TOKEN",)),
)
_MANY_URLS: Final = "OPENAI_API_BASE_URLS"
_MANY_KEYS: Final = "OPENAI_API_KEYS"
_OPENAI_HEADERS: Final = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}


def names_known() -> frozenset[str]:
    """Variables that hold secrets, and so may also be given as <NAME>_FILE."""
    return frozenset({_MANY_KEYS} | {key for vendor in _VENDORS for key in vendor.keys})


def upstreams_in(environ: Mapping[str, str]) -> tuple[Found, ...]:
    """Every model server that the environment names, OpenAI's first. Empty variables count as unset."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    single = [found for vendor in _VENDORS if (found := _one(vendor, given)) is not None]
    return tuple(single + _many(given))


def _one(vendor: _Vendor, given: Mapping[str, str]) -> Found | None:
    """A vendor is used when there is a key for it; a server of one's own may do without, but must be named by its URL."""
    key = next((name for name in vendor.keys if name in given), None)
    url = next((name for name in vendor.urls if name in given), None)
    own = url is not None and vendor.name == "openai"
    if (key is None and not own) or (url is None and vendor.base_url is None):
        return None
    base = vendor.base_url if url is None else _with_suffix(given[url], vendor.suffix)
    headers = {header: given[name] for name, header in _OPENAI_HEADERS.items() if name in given} if vendor.name == "openai" else {}
    variables = tuple(name for name in (key, url) if name is not None)
    return Found(vendor.name, str(base), None if key is None else given[key], variables, headers)


def _with_suffix(url: str, suffix: str) -> str:
    base = url.rstrip("/")
    return base if base.endswith(suffix) else base + suffix


def _many(given: Mapping[str, str]) -> list[Found]:
    """Several servers in two lists, separated by semicolons."""
    urls = [url.strip() for url in given.get(_MANY_URLS, "").split(";")]
    keys = [key.strip() for key in given.get(_MANY_KEYS, "").split(";")]
    keys += [""] * (len(urls) - len(keys))
    return [
        Found(f"openai-{number}", url.rstrip("/"), key or None, (_MANY_URLS, _MANY_KEYS))
        for number, (url, key) in enumerate(zip(urls, keys, strict=False), 1)
        if url
    ]
