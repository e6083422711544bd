"""The running of the server: settings, status, runs, the API's own description."""

from __future__ import annotations

from html import escape
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import Field

from antiphon.api.management import Asker, Given, Input, Json, Route, needs
from antiphon.api.pages import page
from antiphon.permissions.readable import readable
from antiphon.retrieval import store as documents
from antiphon.runs import store as runs

router = APIRouter(prefix="/api", tags=["server"], route_class=Route)
described = APIRouter(include_in_schema=False)


class SettingValue(Input):
    value: Any = Field()


@router.get("/settings", dependencies=[needs("read", "setting")])
async def list_settings(services: Given) -> Response:
    """Every setting with its value, where that comes from, and what it is for. Secrets are never shown."""
    return Json({"settings": [_shown(row) for row in services.settings.rows()]})


@router.put("/settings/{name}", dependencies=[needs("write", "setting")])
async def change_setting(name: str, body: SettingValue, services: Given) -> Response:
    """Counts at once, unless the setting says that it waits for a restart or a higher layer has its own value."""
    return Json(_shown(await services.settings.put(name, body.value)))


@router.delete("/settings/{name}", dependencies=[needs("write", "setting")])
async def forget_setting(name: str, services: Given) -> Response:
    return Json(_shown(await services.settings.forget(name)))


@router.get("/status", dependencies=[needs("write", "server")])
async def status(services: Given) -> Response:
    """What there is and how it does, for administrators."""
    counts = await services.db.read(documents.counts)
    servers = await services.models.views()
    sources = [{"name": one.name, "models": len(one.models), "problem": None if one.models else "it lists no models"} for one in servers]
    return Json({"counts": counts, "sources": sources, "streams": len(services.streams)})


@router.get("/runs", dependencies=[needs("read", "run")])
async def list_runs(services: Given, actor: Asker, limit: int = 100) -> Response:
    """One's own runs, newest first: what was asked of which model, and what it used."""

    def own(connection: sa.Connection) -> list[runs.RunRow]:
        return runs.recent(connection, readable(actor, "run"), min(max(limit, 1), 1_000))

    return Json({"runs": await services.db.read(own)})


@described.get("/openapi.json", dependencies=[needs("read", "server")])
async def openapi(request: Request) -> Response:
    """The whole API in OpenAPI 3.1, dialect routes included."""
    return Json(request.app.openapi())


@described.get("/docs", dependencies=[needs("read", "server")])
async def docs(request: Request, services: Given) -> Response:
    """The same to read."""
    root = services.options.root_path
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    groups: dict[str, list[str]] = {"dialects": []}
    for path, methods in paths.items():
        for method, route in methods.items():
            group = groups.setdefault(route["tags"][0], [])
            summary = route["summary"] if group is groups["dialects"] else route["summary"].capitalize()
            what = escape(route.get("description") or summary)
            group.append(f"<dt><code>{method.upper()} {escape(path)}</code></dt><dd>{what}</dd>")
    shown = "".join(f"<h2>{escape(name.capitalize())}</h2><dl>{''.join(rows)}</dl>" for name, rows in groups.items())
    note = f'<p class="note">For programs: <a href="{root}/openapi.json">openapi.json</a></p>'
    return page("Antiphon's API", f"<h1>Every route</h1>{note}{shown}", root)


def _shown(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": row.value,
        "origin": {"layer": row.origin.layer, "place": row.origin.place},
        "restart": row.restart,
        "waiting": row.waiting,
        "description": row.description,
    }
