"""One real server in this process, on a real socket, before a fake upstream that misbehaves on command; short clocks for silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest

from antiphon.app import Application
from antiphon.cli.running import listen, run
from antiphon.models.service import NewServer
from antiphon.settings.layers import Settings
from antiphon.storage.directory import DataDirectory
from tests.support.upstream import FakeUpstream

CLOCKS = {"models.connect_seconds": 0.5, "models.first_byte_seconds": 0.5, "models.idle_seconds": 0.5, "models.ollama_url": ""}
DIALECTS = ("xiaozhi", "kuwa", "ask", "openai_chat", "event_source", "qa_widget")


@dataclass
class House:
    """A server with one model, `m`, behind which the upstream stands; `site` asks it about one document."""

    url: str
    token: str
    upstream: FakeUpstream
    client: httpx.AsyncClient
    application: Application


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    settings = Settings({"server.data": folder / "data", "server.port": 0, "limits.widget_per_minute": 10_000, **CLOCKS}, {}, None)
    directory = DataDirectory(folder / "data")
    directory.lock()
    application = Application(settings, directory)
    ready: asyncio.Future[Callable[[], None]] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(run(application, listen("127.0.0.1", 0), ready.set_result))
    async with asyncio.timeout(30):
        end = await ready
    async with FakeUpstream() as upstream:
        token = application.local_token
        async with httpx.AsyncClient(
            base_url=application.address, headers={"Authorization": f"Bearer {token}"}, timeout=20, trust_env=False
        ) as client:
            await application.services.models.add(NewServer("m", upstream.url + "/v1", visibility="public"))
            await settings.put("dialects.bots", dict.fromkeys(DIALECTS, "m"))
            await _site(client, folder)
            yield House(application.address, token, upstream, client, application)
    end()
    await serving
    directory.release()


async def _site(client: httpx.AsyncClient, folder: Path) -> None:
    """A public collection with one document that answers `QUESTION`, and its site, on which `m` answers."""
    page = folder / "ladder.md"
    page.write_text("# Ladders\n\nA ladder can be borrowed for seven days. The deposit for a ladder is twenty crowns.\n", encoding="utf-8")
    (await client.post("/api/collections", json={"name": "site", "visibility": "public"})).raise_for_status()
    ticket = (await client.post("/api/collections/site/documents", json={"path": str(page)})).json()
    async with asyncio.timeout(30):
        while not (await client.get(f"/api/collections/site/batches/{ticket['batch']}")).json()["finished"]:
            await asyncio.sleep(0.02)
    parameters = {"min_score": 0.0}
    await client.put("/api/bots/guide", json={"model": "m", "parameters": parameters, "visibility": "public"})
    (await client.put("/api/sites/site", json={"collection": "site", "bot": "guide", "public": True})).raise_for_status()
