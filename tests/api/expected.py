"""What every route of the server owes to every caller: the table that the matrix is held against.

A row says who may pass, and what those get who do; everybody else gets 401 (nobody in particular) or 403 (somebody known). Requests are
such that they change nothing: they name things that do not exist, or say something impossible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.api.town import Caller

Who = Literal["open", "anyone", "asker", "member", "here", "admin"]
"""open: whatever they carry. anyone: but a key or token that they carry must hold (what is not theirs is not found). asker: who is known,
or sits at the machine. member: who is known. here: administrators, and who sits at the machine. A session that is over is nobody's."""


@dataclass(frozen=True)
class Row:
    """path: a real one for the route. scopes: those of which a confined key needs one.

    refusal: the one status of all who may not. other: statuses of callers for whom it is different.
    """

    who: Who
    status: int
    path: str
    scopes: frozenset[str] = frozenset()
    body: Any = None
    dialect: bool = False
    refusal: int | None = None
    other: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


CHAT: Final = frozenset({"chat"})
READ: Final = frozenset({"chat", "search", "ingest"})
INGEST: Final = frozenset({"ingest"})
SEARCH: Final = frozenset({"search"})

_HELLO: Final = {"role": "user", "content": "When does the library open?"}
_WIDGET: Final = {"tokenSlug": "open", "question": _HELLO["content"], "sessionId": "matrix"}


def _asking(path: str, body: Any, status: int = 200) -> Row:
    return Row("asker", status, path, CHAT, body, dialect=True)


def _open(path: str, status: int = 200, body: Any = None) -> Row:
    return Row("open", status, path, body=body)


DIALECTS: Final[dict[str, Row]] = {
    "POST /v1/chat/completions": _asking("/v1/chat/completions", {"model": "antiphon", "messages": [_HELLO]}),
    "GET /v1/models": _asking("/v1/models", None),
    "GET /v1/models/*": _asking("/v1/models/antiphon", None),
    "POST /v1/embeddings": _asking("/v1/embeddings", {"model": "none", "input": "x"}, 404),
    "POST /auth": _open("/auth", 401),
    "POST /chatCompletion": _asking("/chatCompletion", [_HELLO]),
    "POST /chatCompletionStream": _asking("/chatCompletionStream", [_HELLO]),
    "POST /v1.0/chat/completions": _asking("/v1.0/chat/completions", {"model": "antiphon", "messages": [_HELLO]}),
    "POST /v1.0/chat/abort": _asking("/v1.0/chat/abort", None),
    "POST /v1/ask": _asking("/v1/ask", {"question": _HELLO["content"]}),
    "GET /events": _asking("/events?question=Opening+hours", None),
    "POST /api/tickets": Row("asker", 200, "/api/tickets", CHAT, dialect=True, other={"local": 401, "local-token": 401}),
    "GET /v1/health": _open("/v1/health"),
    "GET /api/v1/health": _open("/api/v1/health"),
    "GET /healthz": _open("/healthz"),
    "GET /readyz": _open("/readyz"),
    "GET /metrics": Row("here", 200, "/metrics", dialect=True, refusal=404),
    "POST /api/chat/stream": _open("/api/chat/stream", body=_WIDGET),
    "OPTIONS /api/chat/stream": _open("/api/chat/stream", 204),
    "GET /api/chat-history/*": _open("/api/chat-history/nobody?tokenSlug=open"),
    "DELETE /api/chat-history/*": _open("/api/chat-history/nobody?tokenSlug=open"),
    "OPTIONS /api/chat-history/*": _open("/api/chat-history/nobody", 204),
}

MANAGEMENT: Final[dict[str, Row]] = {
    "POST /api/setup": _open("/api/setup", 409, {"token": "x", "name": "x", "password": "long enough"}),
    "POST /api/session": _open("/api/session", 401, {"username": "x", "password": "x"}),
    "DELETE /api/session": Row("open", 204, "/api/session", headers={"Cookie": "antiphon_session=nothing"}),
    "GET /api/me": Row("anyone", 200, "/api/me"),
    "GET /api/users": Row("member", 200, "/api/users"),
    "POST /api/users": Row("admin", 400, "/api/users", body={"name": "x@y"}),
    "PATCH /api/users/{id}": Row("member", 404, "/api/users/user_none", body={}),
    "DELETE /api/users/{id}": Row("admin", 404, "/api/users/user_none"),
    "GET /api/keys": Row("member", 200, "/api/keys"),
    "POST /api/keys": Row("member", 400, "/api/keys", body={"name": "x", "scopes": ["everything"]}),
    "DELETE /api/keys/{id}": Row("member", 404, "/api/keys/key_none"),
    "GET /api/collections": Row("anyone", 200, "/api/collections", READ),
    "POST /api/collections": Row("member", 400, "/api/collections", INGEST, {"name": "a b"}),
    "GET /api/collections/{name}": Row("anyone", 200, "/api/collections/open", READ),
    "PATCH /api/collections/{name}": Row("anyone", 404, "/api/collections/none", body={}),
    "DELETE /api/collections/{name}": Row("anyone", 404, "/api/collections/none"),
    "POST /api/collections/{name}/search": Row("asker", 200, "/api/collections/open/search", SEARCH, {"query": "opening hours"}),
    "GET /api/collections/{name}/documents": Row("anyone", 200, "/api/collections/open/documents", READ),
    "POST /api/collections/{name}/documents": Row("anyone", 404, "/api/collections/none/documents", INGEST, {"urls": []}),
    "GET /api/collections/{name}/batches/{batch}": Row("anyone", 404, "/api/collections/none/batches/none", READ),
    "GET /api/documents/{id}": Row("anyone", 404, "/api/documents/doc_none", READ),
    "DELETE /api/documents/{id}": Row("anyone", 404, "/api/documents/doc_none", INGEST),
    "GET /api/models": Row("here", 200, "/api/models"),
    "POST /api/models": Row("admin", 400, "/api/models", body={"name": "x"}),
    "PATCH /api/models/{name}": Row("admin", 404, "/api/models/none", body={"api_key": "x"}),
    "DELETE /api/models/{name}": Row("admin", 404, "/api/models/none"),
    "GET /api/bots": Row("anyone", 200, "/api/bots", CHAT),
    "GET /api/bots/{name}": Row("anyone", 404, "/api/bots/none"),
    "PUT /api/bots/{name}": Row("admin", 400, "/api/bots/x", body={"parameters": {"none": 1}}),
    "DELETE /api/bots/{name}": Row("anyone", 404, "/api/bots/none"),
    "GET /api/sites": Row("admin", 200, "/api/sites"),
    "GET /api/sites/{slug}": Row("admin", 404, "/api/sites/none"),
    "PUT /api/sites/{slug}": Row("admin", 404, "/api/sites/x", body={"collection": "none"}),
    "DELETE /api/sites/{slug}": Row("admin", 404, "/api/sites/none"),
    "GET /api/settings": Row("admin", 200, "/api/settings"),
    "PUT /api/settings/{name}": Row("admin", 400, "/api/settings/none", body={"value": 1}),
    "DELETE /api/settings/{name}": Row("admin", 400, "/api/settings/none"),
    "GET /api/status": Row("admin", 200, "/api/status"),
    "GET /api/runs": Row("member", 200, "/api/runs", CHAT),
    "GET /openapi.json": Row("here", 200, "/openapi.json"),
    "GET /docs": Row("here", 200, "/docs"),
    "GET /static/{name}": _open("/static/page.css"),
    "GET /": _open("/"),
    "GET /setup": _open("/setup"),
    "GET /documents/{id}": Row("anyone", 404, "/documents/doc_none", READ),
}

TABLE: Final[dict[str, Row]] = DIALECTS | MANAGEMENT
_MAY: Final[dict[Who, frozenset[str]]] = {
    "anyone": frozenset({"nobody", "local", "member", "admin"}),
    "asker": frozenset({"local", "member", "admin"}),
    "member": frozenset({"member", "admin"}),
    "here": frozenset({"local", "admin"}),
    "admin": frozenset({"admin"}),
}


def status_for(row: Row, name: str, caller: Caller) -> int:
    """What the table owes to this caller."""
    if name in row.other:
        return row.other[name]
    if row.who == "open":
        return row.status
    nobody = caller.cookie and (row.dialect or caller.standing == "dead")
    standing = "nobody" if nobody else caller.standing
    confined = bool(caller.scopes) and "admin" not in caller.scopes and not caller.scopes & row.scopes
    if standing == "dead" or (standing in ("nobody", "local") and standing not in _MAY[row.who]):
        return row.refusal or 401
    if standing not in _MAY[row.who] or (confined and row.path != "/api/me"):
        return row.refusal or 403
    return row.status
