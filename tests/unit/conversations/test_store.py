from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.conversations import store
from antiphon.core.messages import Image, Part, Text, ToolCall
from antiphon.core.passages import Citation
from antiphon.storage.database import Database
from antiphon.storage.migrate import whole_metadata
from antiphon.storage.tables.conversations import conversations, messages
from tests.support.scripts import citations, texts

DAY = 24 * 60 * 60 * 1000
HELLO = (Text("Hello"),)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "conversations.db")
    database.write_now(whole_metadata().create_all)
    yield database
    database.close()


def count(connection: sa.Connection) -> tuple[int, int]:
    """(conversations, messages)"""
    return tuple(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (conversations, messages))  # type: ignore[return-value]


def make_over(connection: sa.Connection, session: str) -> None:
    connection.execute(conversations.update().where(conversations.c.session == session).values(expires_at=1))


def said(database: Database, session: str = "s", site: str = "site") -> list[str]:
    return ["".join(part.text for part in m.parts if isinstance(part, Text)) for m in database.read_now(store.history, site, session)]


def test_a_question_and_its_answer_come_back_in_order(database: Database) -> None:
    citation = Citation(1, "t", "u", "d", "s", "q", heading=("a", "b"), page=3, score=0.5)
    conversation, question = database.write_now(store.ask, "site", "s", HELLO, DAY)
    answer = database.write_now(
        store.append, conversation, "assistant", [Text("Hi [1]")], parent=question, citations=[citation], run="run_1"
    )
    first, second = database.read_now(store.history, "site", "s")
    assert (first.id, first.role, first.parts, first.citations, first.client_id) == (question, "user", HELLO, (), question)
    assert (second.id, second.role, second.parts, second.citations) == (answer, "assistant", (Text("Hi [1]"),), (citation,))
    assert first.created_at <= second.created_at


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.builds(Text, texts), st.builds(Image, texts), st.builds(ToolCall, texts, texts, texts))),
    st.lists(citations, max_size=2),
)
def test_whatever_is_said_comes_back(database: Database, parts: list[Part], cited: list[Citation]) -> None:
    conversation = database.write_now(store.visit, "site", "s", DAY)
    id = database.write_now(store.append, conversation, "assistant", parts, citations=cited)
    (kept,) = [message for message in database.read_now(store.history, "site", "s") if message.id == id]
    assert (kept.parts, kept.citations) == (tuple(parts), tuple(cited))


def test_a_repeated_client_id_is_the_same_message(database: Database) -> None:
    conversation = database.write_now(store.visit, "site", "s", DAY)
    other = database.write_now(store.visit, "site", "t", DAY)
    first = database.write_now(store.append, conversation, "user", HELLO, client_id="c1")
    assert database.write_now(store.append, conversation, "user", [Text("again")], client_id="c1") == first
    assert database.write_now(store.append, other, "user", HELLO, client_id="c1") != first
    assert said(database) == ["Hello"]


def test_many_sending_the_same_at_once_send_it_once(database: Database) -> None:
    def send(number: int) -> str | None:
        conversation = database.write_now(store.visit, "site", "s", DAY)
        return database.write_now(store.append, conversation, "user", [Text("once")], client_id=f"c{number % 3}")

    with ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(send, range(24)))
    assert len(set(ids)) == 3
    assert database.read_now(count) == (1, 3)


def test_the_order_is_that_of_sending(database: Database) -> None:
    conversation = database.write_now(store.visit, "site", "s", DAY)
    pending = [database.submit(store.append, conversation, "user", [Text(str(number))]) for number in range(50)]
    for future in pending:
        future.result()
    assert said(database) == [str(number) for number in range(50)]


def test_sessions_and_sites_do_not_mix(database: Database) -> None:
    for site, session in (("site", "s"), ("site", "t"), ("other", "s")):
        database.write_now(store.ask, site, session, [Text(f"{site} {session}")], DAY)
    assert said(database, "s", "site") == ["site s"]
    assert said(database, "s", "other") == ["other s"]
    assert said(database, "unknown") == []


def test_a_visit_keeps_the_conversation_and_postpones_its_end(database: Database) -> None:
    def ends(connection: sa.Connection) -> int:
        return int(connection.execute(sa.select(conversations.c.expires_at)).scalar_one() or 0)

    first = database.write_now(store.visit, "site", "s", DAY)
    before = database.read_now(ends)
    assert database.write_now(store.visit, "site", "s", 2 * DAY) == first
    assert database.read_now(ends) >= before + DAY


def test_what_has_expired_is_not_shown_and_does_not_come_back(database: Database) -> None:
    old, _ = database.write_now(store.ask, "site", "s", [Text("secret of yesterday")], DAY)
    database.write_now(make_over, "s")
    assert said(database) == []
    new, _ = database.write_now(store.ask, "site", "s", HELLO, DAY)
    assert new != old
    assert said(database) == ["Hello"]
    assert database.read_now(count) == (1, 1)


def test_expiry_deletes_with_the_messages_and_nothing_else(database: Database) -> None:
    for session in ("s", "t"):
        database.write_now(store.ask, "site", session, HELLO, DAY)
    database.write_now(make_over, "s")
    assert database.write_now(store.expire) == 1
    assert database.write_now(store.expire) == 0
    assert database.read_now(count) == (1, 1)
    assert said(database, "t") == ["Hello"]


def test_forgetting_deletes_with_the_messages(database: Database) -> None:
    conversation, _ = database.write_now(store.ask, "site", "s", HELLO, DAY)
    assert not database.write_now(store.forget, "other", "s")
    assert database.write_now(store.forget, "site", "s")
    assert not database.write_now(store.forget, "site", "s")
    assert database.read_now(count) == (0, 0)
    assert database.write_now(store.append, conversation, "assistant", HELLO) is None
    assert database.read_now(count) == (0, 0)
