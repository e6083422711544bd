"""Each dialect as a client of it would speak: how a question is asked, and what came back, told in one vocabulary."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from antiphon.wire.sse import Decoder, Frame
from tests.conformance.conftest import House

QUESTION = "For how many days can a ladder be borrowed?"


@dataclass(frozen=True)
class Heard:
    """text: of the answer, as far as it came. failure: what the client was told went wrong, '' for nothing.

    ended: whether the dialect's own end came.
    """

    status: int
    text: str
    failure: str
    ended: bool
    body: bytes


Ask = Callable[[House], Awaitable[Heard]]


def frames(body: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(body) + decoder.close()


def _refusal(status: int, body: bytes) -> Heard:
    """A JSON error in any of the dialects' shapes."""
    value = json.loads(body)
    told = value.get("errorMessage") or value.get("message") or value["error"]["message"]
    return Heard(status, "", told, True, body)


async def xiaozhi_stream(house: House) -> Heard:
    response = await house.client.post("/chatCompletionStream", json=[{"role": "user", "Content": QUESTION}])
    if response.status_code != 200:
        return _refusal(response.status_code, response.content)
    found = frames(response.content)
    assert all(frame.event == "message" for frame in found)
    data = [frame.data.decode() for frame in found]
    assert data[0] == ""
    ended = len(data) > 1 and data[-1] == ""
    return Heard(200, "".join(data if ended else data[:-1]), "" if ended else data[-1], ended, response.content)


async def xiaozhi_whole(house: House) -> Heard:
    response = await house.client.post("/chatCompletion", json=[{"role": "user", "content": QUESTION}])
    return _completion(response.status_code, response.content)


def _completion(status: int, body: bytes) -> Heard:
    if status != 200:
        return _refusal(status, body)
    return Heard(200, json.loads(body)["choices"][0]["message"]["content"], "", True, body)


async def kuwa_stream(house: House) -> Heard:
    response = await house.client.post("/v1.0/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": QUESTION}]})
    if response.status_code != 200:
        return _refusal(response.status_code, response.content)
    lines = response.content.decode("ascii").split("\n")
    records = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    text = "".join(record["choices"][0]["delta"]["content"] for record in records if "choices" in record)
    failure = next((record["message"] for record in records if record.get("status") == "error"), "")
    return Heard(200, text, failure, "event: close" in lines, response.content)


async def kuwa_whole(house: House) -> Heard:
    body = {"model": "m", "stream": False, "messages": [{"role": "user", "content": QUESTION}]}
    response = await house.client.post("/v1.0/chat/completions", json=body)
    return _completion(response.status_code, response.content)


async def ask_stream(house: House) -> Heard:
    response = await house.client.post("/v1/ask", json={"question": QUESTION, "stream": True})
    return _chunks(response.status_code, response.content)


async def ask_whole(house: House) -> Heard:
    response = await house.client.post("/v1/ask", json={"question": QUESTION})
    return _completion(response.status_code, response.content)


def _chunks(status: int, body: bytes) -> Heard:
    if status != 200:
        return _refusal(status, body)
    found = [frame.data for frame in frames(body)]
    records = [json.loads(data) for data in found if data != b"[DONE]"]
    failure = next((record["error"]["message"] for record in records if "error" in record), "")
    choices = [choice for record in records for choice in record.get("choices", [])]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    finished = any(choice["finish_reason"] for choice in choices)
    return Heard(status, text, failure, finished or bool(failure), body)


async def openai_stream(house: House) -> Heard:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    response = await house.client.post("/v1/chat/completions", json=body)
    heard = _chunks(response.status_code, response.content)
    if heard.status == 200:
        assert (b"data: [DONE]" in heard.body) == (heard.failure == ""), "a failed stream has no [DONE], a complete one has"
    return heard


async def openai_whole(house: House) -> Heard:
    response = await house.client.post("/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": QUESTION}]})
    return _completion(response.status_code, response.content)


async def event_source(house: House) -> Heard:
    async with house.client.stream("GET", "/events", params={"question": QUESTION}) as response:
        body = b""
        async for part in response.aiter_raw():
            body += part
    if response.status_code != 200:
        return _refusal(response.status_code, body)
    records = [json.loads(frame.data) for frame in frames(body)]
    assert records[0]["event"] == "welcome"
    text = "".join(record["data"] for record in records if record["event"] == "content")
    failure = next((record["data"] for record in records if record["event"] == "error"), "")
    return Heard(200, text, failure, records[-1]["event"] == "done", body)


async def qa_widget(house: House) -> Heard:
    body = {"tokenSlug": "site", "question": QUESTION, "language": "en", "sessionId": "s-1"}
    response = await house.client.post("/api/chat/stream", json=body)
    if response.status_code != 200:
        return _refusal(response.status_code, response.content)
    records = [json.loads(frame.data) for frame in frames(response.content)]
    text = "".join(record["data"] for record in records if record["type"] == "content")
    failure = next((record["message"] for record in records if record["type"] == "error"), "")
    return Heard(200, text, failure, records[-1]["type"] == "done", response.content)


SPEAKERS: dict[str, Ask] = {
    "xiaozhi-stream": xiaozhi_stream,
    "xiaozhi-whole": xiaozhi_whole,
    "kuwa-stream": kuwa_stream,
    "kuwa-whole": kuwa_whole,
    "ask-stream": ask_stream,
    "ask-whole": ask_whole,
    "openai-stream": openai_stream,
    "openai-whole": openai_whole,
    "event-source": event_source,
    "qa-widget": qa_widget,
}
