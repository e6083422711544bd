"""What 200 callers do to a server at once: ask well and badly, in every dialect, leave early, read slowly, meet broken model servers.

Each deed says what an honest server may answer. `Traffic.wrong` collects what was not that.
"""

from __future__ import annotations

import asyncio
import io
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import aiohttp

from tests.support.replies import BENIGN, FAULTS

OURS: Final = "on our side"  # how every failure of our own begins to be told
UPSTREAMS: Final = frozenset({429, 502, 503, 504})
STREAM_SECONDS: Final = 60.0
_LARGE: Final = b'{"x": "' + b"y" * 10_000_000

_FLOODS: Final = frozenset({"huge-frame", "gzip-bomb"})  # tens of megabytes each: a matter of the fault tests
FAULT_NAMES: Final = tuple(name for name in FAULTS if name not in _FLOODS)
GOOD_NAMES: Final = tuple(name for name in BENIGN if name not in ("byte-by-byte",))
QUESTIONS: Final = (
    "How long does a lantern burn?",
    "How often is the wick trimmed?",
    "灯能亮多久？",
    "Một ngọn đèn cháy được bao lâu?",
    "Who won?",
)


class Caller(NamedTuple):
    """What the callers know of the server. token: of XiaoZhi's sign-in."""

    url: str
    key: str
    token: str
    site: str
    collection: str


class Traffic:
    """done: deeds by name. statuses: what was answered. wrong: what no honest server answers, as text."""

    def __init__(self, caller: Caller, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.wrong: Counter[str] = Counter()
        self._caller = caller
        self._chance = random.Random(seed)
        self._deeds: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {
            "streams": (6, self._stream),
            "whole answers": (3, self._whole),
            "widget": (3, self._widget),
            "searches": (2, self._search),
            "events": (1, self._events),
            "lists": (1, self._lists),
            "broken upstreams": (4, self._fault),
            "malformed": (4, self._malformed),
            "forged": (2, self._forged),
            "leaves early": (3, self._leave),
            "reads slowly": (1, self._slow),
            "large": (0, self._large),
        }

    async def run(self, callers: int, over: asyncio.Event) -> None:
        """Until `over` is set; every deed that was begun is finished."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3)
        async with aiohttp.ClientSession(self._caller.url, connector=connector, timeout=aiohttp.ClientTimeout(STREAM_SECONDS)) as session:
            self._session = session
            await asyncio.gather(*(self._act(number, over) for number in range(callers)))

    async def _act(self, number: int, over: asyncio.Event) -> None:
        names, weights = list(self._deeds), [weight for weight, _ in self._deeds.values()]
        if number == 0:
            weights[names.index("large")] = 1
        while not over.is_set():
            (name,) = self._chance.choices(names, weights)
            try:
                await self._deeds[name][1]()
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                self.wrong[f"{name}: {type(error).__name__}"] += 1
            self.done[name] += 1
            await asyncio.sleep(self._chance.uniform(0.0, 0.2))

    async def _send(
        self, method: str, path: str, allowed: frozenset[int], *, must: str = "", headers: dict[str, str] | None = None, **more: Any
    ) -> str:
        """The whole answer. must: what a complete one holds."""
        async with self._session.request(method, path, headers=headers, **more) as response:
            text = (await response.read()).decode("utf-8", "replace")
        self._judge(f"{method} {path}", response.status, allowed, text)
        if must and response.status == 200 and must not in text:
            self.wrong[f"{method} {path}: no {must!r} at the end of {text[-200:]!r}"] += 1
        return text

    def _judge(self, what: str, status: int, allowed: frozenset[int], text: str) -> None:
        self.statuses[status] += 1
        if status not in allowed:
            self.wrong[f"{what}: status {status} {text[:200]}"] += 1
        if OURS in text:
            self.wrong[f"{what}: {text[:300]}"] += 1

    def _asked(self, stream: bool, name: str) -> tuple[str, dict[str, Any], dict[str, str], str]:
        """(path, body, headers, what a complete stream holds) in one of the API dialects."""
        key = {"Authorization": f"Bearer {self._caller.key}"}
        messages = [{"role": "user", "content": self._chance.choice(QUESTIONS)}]
        ways = {
            "openai": ("/v1/chat/completions", {"model": name, "messages": messages, "stream": stream}, key, "data: [DONE]"),
            "kuwa": (
                "/v1.0/chat/completions",
                {"model": name, "messages": messages, "stream": stream},
                key,
                "event: close" if stream else "",
            ),
            "ask": ("/v1/ask", {"model": name, "question": messages[0]["content"], "stream": stream}, key, ""),
        }
        if name == "plain":
            token = {"Authorization": f"Bearer {self._caller.token}"}
            path = "/chatCompletionStream" if stream else "/chatCompletion"
            ways["xiaozhi"] = (path, messages, token, "")  # type: ignore[assignment]
        path, body, headers, end = self._chance.choice(list(ways.values()))
        return path, body, headers, end

    async def _stream(self) -> None:
        path, body, headers, end = self._asked(True, self._chance.choice(GOOD_NAMES))
        await self._send("POST", path, frozenset({200}), must=end, headers=headers, json=body)

    async def _whole(self) -> None:
        path, body, headers, _ = self._asked(False, self._chance.choice(GOOD_NAMES))
        await self._send("POST", path, frozenset({200}), headers=headers, json=body)

    async def _widget(self) -> None:
        session = f"session-{self._chance.randrange(500)}"
        body = {"tokenSlug": self._caller.site, "question": self._chance.choice(QUESTIONS), "language": "en", "sessionId": session}
        await self._send("POST", "/api/chat/stream", frozenset({200, 429}), must='"type":"done"', json=body)
        if self._chance.random() < 0.3:
            method = self._chance.choice(["GET", "GET", "DELETE"])
            await self._send(method, f"/api/chat-history/{session}", frozenset({200}), params={"tokenSlug": self._caller.site})

    async def _search(self) -> None:
        headers = {"Authorization": f"Bearer {self._caller.key}"}
        body = {"query": self._chance.choice(QUESTIONS), "minScore": 0}
        path = f"/api/collections/{self._caller.collection}/search"
        await self._send("POST", path, frozenset({200}), must='"hits"', headers=headers, json=body)

    async def _events(self) -> None:
        headers = {"Authorization": f"Bearer {self._caller.key}"}
        asked = {"question": self._chance.choice(QUESTIONS), "model": "plain"}
        async with self._session.get("/events", params=asked, headers=headers) as response:
            self._judge("GET /events", response.status, frozenset({200}), "")
            async for line in response.content:
                if b"run-end" in line or b'"done"' in line or b'"end"' in line:
                    break

    async def _lists(self) -> None:
        headers = {"Authorization": f"Bearer {self._caller.key}"}
        for path in ("/v1/models", "/healthz", "/readyz", "/v1/health"):
            await self._send("GET", path, frozenset({200}), headers=headers)

    async def _fault(self) -> None:
        """Seed 000 answers a broken model server by 500, and says so in its own words; a request that others refuse is the caller's."""
        path, body, headers, _ = self._asked(self._chance.random() < 0.6, self._chance.choice(FAULT_NAMES))
        await self._send("POST", path, UPSTREAMS | {200, 400, 401, 403, 404}, headers=headers, json=body)

    async def _malformed(self) -> None:
        bodies = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"messages": 5}', b'{"messages": [], "model": "plain"}', b"[" * 5000]
        bodies += [b'{"question": NaN}', b'{"question": "\\ud800"}', b'{"question": "\\u0000"}', b'{"question": ""}', b'{"tokenSlug": 7}']
        paths = ["/v1/chat/completions", "/v1.0/chat/completions", "/v1/ask", "/chatCompletion", "/chatCompletionStream"]
        path = self._chance.choice([*paths, "/api/chat/stream", "/auth", "/v1/embeddings", "/api/tickets", "/api/keys"])
        key = self._caller.token if path.startswith("/chat") else self._caller.key
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        allowed = frozenset({200, 400, 401, 403, 404, 405, 413, 415, 422})
        await self._send("POST", path, allowed, headers=headers, data=self._chance.choice(bodies))

    async def _forged(self) -> None:
        token = self._chance.choice(["sk-wrong", "x.y.z", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.", "local-guess", "a" * 5000, "é"])
        path, body, headers, _ = self._asked(True, "plain")
        await self._send("POST", path, frozenset({400, 401, 403}), headers=headers | {"Authorization": f"Bearer {token}"}, json=body)

    async def _leave(self) -> None:
        """Goes away at some point of a slow answer, or before it began."""
        path, body, headers, _ = self._asked(True, "slow")
        async with self._session.post(path, json=body, headers=headers) as response:
            self._judge(f"POST {path}", response.status, frozenset({200}), "")
            for _ in range(self._chance.randrange(4)):
                await response.content.readany()
            response.close()

    async def _slow(self) -> None:
        path, body, headers, end = self._asked(True, "slow")
        async with self._session.post(path, json=body, headers=headers) as response:
            text = b""
            while piece := await response.content.read(64):
                text += piece
                await asyncio.sleep(0.02)
        self._judge(f"POST {path}", response.status, frozenset({200}), text.decode("utf-8", "replace"))
        if end.encode() not in text:
            self.wrong[f"POST {path}, read slowly: no {end!r}"] += 1

    async def _large(self) -> None:
        headers = {"Authorization": f"Bearer {self._caller.key}", "Content-Type": "application/json"}
        with suppress(aiohttp.ClientConnectionError):  # refused while it was still sending: what the limit is for
            await self._send("POST", "/v1/chat/completions", frozenset({413}), headers=headers, data=io.BytesIO(_LARGE))
