"""GET /events: resuming where the reader was, stopping for good, and tickets that open one stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest

from tests.api.town import Town

WELCOME = {"sender": "Server", "message": "Welcome to the SSE connection!"}
SLOW = "/echo delay=100 chunks=200 size=4 slow "
SHORT = "/echo size=3 one two three four five"


def records(text: str) -> list[tuple[str | None, dict[str, Any]]]:
    """(id, what it says) of every record; none names an event, for EventSource would not hand those to onmessage."""
    found = []
    for record in text.split("\n\n"):
        fields = [line.partition(": ")[::2] for line in record.split("\n") if line and not line.startswith(":")]
        if fields:
            assert {name for name, _ in fields} <= {"id", "data", "retry"}
            values = dict(fields)
            if "data" in values:
                found.append((values.get("id"), json.loads(values["data"])))
    return found


def follow(town: Town, caller: str = "member-jwt", headers: dict[str, str] | None = None, **params: str) -> Any:
    return town.ask("GET", "/events", caller, params=params, headers=headers or {})


@pytest.fixture
def finished(town: Town) -> list[tuple[str | None, dict[str, Any]]]:
    return records(follow(town, question=SHORT, model="echo").text)


def test_the_first_record_welcomes(town: Town, finished: Any) -> None:
    assert (finished[0][1]["event"], finished[0][1]["data"]) == ("welcome", WELCOME)
    assert finished[-1][1]["event"] == "done"
    assert "".join(one["data"] for _, one in finished if one["event"] == "content") == "one two three four five"


def test_resuming_anywhere_goes_on_where_the_reader_was(town: Town, finished: Any) -> None:
    told = [(id, one) for id, one in finished if id is not None]
    run = told[0][0].rpartition(":")[0]
    assert all(id.rpartition(":")[0] == run for id, _ in told)
    for position, (id, _) in enumerate(told[:-1]):
        welcome, *rest = records(follow(town, headers={"Last-Event-ID": id}).text)
        assert welcome[1]["event"] == "welcome"
        assert rest == told[position + 1 :]
        assert records(follow(town, lastEventId=id).text) == [welcome, *rest]


def test_what_was_read_to_its_end_is_over(town: Town, finished: Any) -> None:
    """204 tells a browser to come back no more; nothing is asked again."""
    last = [id for id, _ in finished if id is not None][-1]
    for identifier in (last, "run_none:3", "nonsense", ":", "run_none:x", last.rpartition(":")[0] + ":999999"):
        response = follow(town, headers={"Last-Event-ID": identifier}, question=SHORT, model="echo")
        assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("caller", ["other-jwt", "member-key", "admin-jwt", "local", "nobody"])
def test_a_run_is_its_askers_alone(town: Town, finished: Any, caller: str) -> None:
    id = next(id for id, _ in finished if id is not None)
    response = follow(town, caller, headers={"Last-Event-ID": id})
    assert response.status_code == (401 if caller == "nobody" else 404)
    assert "one" not in response.text


def test_a_ticket_opens_one_stream(town: Town) -> None:
    ticket = town.ticket("member-jwt")
    first = follow(town, "nobody", question=SHORT, model="echo", ticket=ticket)
    assert first.status_code == 200
    ids = [id for id, _ in records(first.text) if id is not None]
    assert follow(town, "nobody", question=SHORT, model="echo", ticket=ticket).status_code == 401
    again = follow(town, "nobody", headers={"Last-Event-ID": ids[0]}, question=SHORT, model="echo", ticket=ticket)
    assert [id for id, one in records(again.text) if one["event"] != "welcome"] == ids[1:]
    assert follow(town, "nobody", headers={"Last-Event-ID": ids[-1]}, ticket=ticket).status_code == 204
    other = next(id for id, _ in records(follow(town, question=SHORT, model="echo").text) if id is not None)
    assert follow(town, "nobody", headers={"Last-Event-ID": other}, ticket=ticket).status_code == 401


def test_a_ticket_for_a_run(town: Town, finished: Any) -> None:
    run = finished[-1][0].rpartition(":")[0]
    reading = follow(town, "nobody", ticket=town.ticket("member-jwt", run))
    assert records(reading.text) == finished
    for caller in ("other-jwt", "member-key", "admin-jwt"):
        foreign, unknown = (town.ask("POST", "/api/tickets", caller, json={"run": name}) for name in (run, "run_none"))
        assert (foreign.status_code, foreign.text) == (404, unknown.text)


def test_a_ticket_is_for_streams_only(town: Town) -> None:
    for path in ("/v1/models", "/api/me", "/metrics"):
        assert town.ask("GET", path, params={"ticket": town.ticket("member-jwt")}).status_code != 200 or path == "/api/me"
    assert town.ask("GET", "/api/me", params={"ticket": town.ticket("member-jwt")}).json()["kind"] == "anonymous"


def _ids(response: httpx.Response) -> Iterator[str]:
    lines = response.iter_lines()
    yield from (line.removeprefix("id: ") for line in lines if line.startswith("id: "))


def test_a_reader_may_come_and_go(town: Town) -> None:
    """The run goes on without its reader, who comes back to what was said meanwhile."""
    with town.streaming("GET", "/events", "member-jwt", params={"question": SLOW, "model": "echo"}) as response:
        seen = next(_ids(response))
    with town.streaming("GET", "/events", "member-jwt", params={"lastEventId": seen}) as response:
        ids = _ids(response)
        welcome, following = next(ids), next(ids)
    run, _, number = seen.rpartition(":")
    assert (welcome, following) == (seen, f"{run}:{int(number) + 1}")


def test_listening_without_a_question_stays_open(town: Town) -> None:
    with town.streaming("GET", "/events", "member-jwt") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        first = next(line for line in response.iter_lines() if line.startswith("data: "))
        assert json.loads(first[6:])["data"] == WELCOME
