"""Every route of the server, in two tables and a list: the dialects by path, and the management API behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from antiphon.api import account_routes, collection_routes, management, model_routes, pages, server_routes
from antiphon.api.ask import Endpoint
from antiphon.api.companions import MODELS_PATH, Companions
from antiphon.api.dispatch import Dispatcher, Routes
from antiphon.api.events import Events
from antiphon.api.health import Health
from antiphon.api.management import Described
from antiphon.api.services import Services
from antiphon.api.widget import HISTORY_PATH, STREAM_PATH, Widget
from antiphon.dialects.ask.dialect import ASK
from antiphon.dialects.event_source.dialect import EVENT_SOURCE
from antiphon.dialects.kuwa.dialect import KUWA
from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT
from antiphon.dialects.qa_widget.dialect import QA_WIDGET
from antiphon.dialects.xiaozhi.dialect import XIAOZHI

ROUTERS = (
    account_routes.router,
    collection_routes.router,
    model_routes.router,
    server_routes.router,
    server_routes.described,
    pages.router,
)

SUMMARIES = {
    "/v1/chat/completions": "Chat, in OpenAI's form",
    "/v1/models": "Models and bots that the caller may ask",
    "/v1/models/*": "One model or bot",
    "/v1/embeddings": "Embeddings, in OpenAI's form",
    "/auth": "Name and password for a token (XiaoZhi)",
    "/chatCompletion": "A whole answer (XiaoZhi)",
    "/chatCompletionStream": "A streamed answer (XiaoZhi)",
    "/v1.0/chat/completions": "Chat, one character a record (Kuwa)",
    "/v1.0/chat/abort": "Stop the caller's answers (Kuwa)",
    "/v1/ask": "A question and its answer (Ask API)",
    "/v1/health": "Whether the server is alive (Ask API)",
    "/api/v1/health": "Whether the server is alive (Ask API)",
    "/events": "An answer for a browser's EventSource",
    "/api/tickets": "A ticket for /events, in place of a token in its address",
    STREAM_PATH: "A visitor's question on a site (Q&A widget)",
    HISTORY_PATH + "*": "A visitor's conversation (Q&A widget)",
    "/healthz": "Whether the server is alive",
    "/readyz": "Whether the server can work",
    "/metrics": "Figures for Prometheus",
}


def tables(services: Services, ready: Callable[[], Awaitable[bool]]) -> tuple[Routes, Routes]:
    """(exact, prefixes): path -> method -> application."""
    beside, events, widget, health = (
        Companions(services),
        Events(services, EVENT_SOURCE),
        Widget(services, QA_WIDGET),
        Health(services, ready),
    )
    xiaozhi = Endpoint(services, XIAOZHI)
    exact: Routes = {
        "/v1/chat/completions": {"POST": Endpoint(services, OPENAI_CHAT)},
        "/v1/models": {"GET": beside.list_models},
        "/v1/embeddings": {"POST": beside.embeddings},
        "/auth": {"POST": beside.xiaozhi_auth},
        "/chatCompletion": {"POST": xiaozhi},
        "/chatCompletionStream": {"POST": xiaozhi},
        "/v1.0/chat/completions": {"POST": Endpoint(services, KUWA)},
        "/v1.0/chat/abort": {"POST": beside.kuwa_abort},
        "/v1/ask": {"POST": Endpoint(services, ASK)},
        "/v1/health": {"GET": health.alive},
        "/api/v1/health": {"GET": health.alive},
        "/events": {"GET": events.follow},
        "/api/tickets": {"POST": events.issue},
        STREAM_PATH: {"POST": widget.ask, "OPTIONS": widget.preflight},
        "/healthz": {"GET": health.healthz},
        "/readyz": {"GET": health.readyz},
        "/metrics": {"GET": health.metrics},
    }
    prefixes: Routes = {
        MODELS_PATH: {"GET": beside.one_model},
        HISTORY_PATH: {"GET": widget.history, "DELETE": widget.history, "OPTIONS": widget.preflight},
    }
    return exact, prefixes


def assemble(services: Services, ready: Callable[[], Awaitable[bool]]) -> Dispatcher:
    """The server's one ASGI application. `ready` says whether it can work."""
    exact, prefixes = tables(services, ready)
    front = Dispatcher(exact, prefixes, services.metrics, services.options.root_path)
    besides = [Described(method, path.replace("*", "{id}"), SUMMARIES[path]) for method, path in front.inventory() if method != "OPTIONS"]
    front.rest = management.create(services, ROUTERS, version("antiphon"), besides)
    return front
