from __future__ import annotations

import pytest
import sqlalchemy as sa

from antiphon.core.errors import Conflict, NotFound
from antiphon.retrieval import store
from antiphon.storage.tables.documents import passages, vectors
from tests.unit.retrieval.shelf import ALL, draft, only, put, shelf


def held(connection: sa.Connection, token: str) -> int:
    return len(store.postings(connection, token, 0, 1 << 62))


def test_replacing_swaps_passages_index_and_counts() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        document = put(connection, collection, "a", draft("apple"), draft("pear"))
        before = store.find_collection(connection, "docs")
        put(connection, collection, "a", draft("plum cherry"))
        after = store.find_collection(connection, "docs")
        assert (held(connection, "appl"), held(connection, "pear"), held(connection, "plum")) == (0, 0, 1)
        assert (before.passages, before.tokens, after.passages, after.tokens) == (2, 2, 1, 2)
        assert after.generation > before.generation
        kept = store.read_document(connection, document, ALL)
        assert (kept["status"], kept["generation"], kept["passages"], kept["text"]) == ("ready", 2, 1, "plum cherry")


@pytest.mark.parametrize(("title", "heading"), [("Chapter", ()), ("CHAPTER", ()), ("Book", ("Chapter",))])
def test_a_title_that_is_the_first_heading_too_is_said_once(title: str, heading: tuple[str, ...]) -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        put(connection, collection, title, draft("apple"))
        (id,) = connection.scalars(sa.select(passages.c.id))
        assert store.read_passages(connection, [id], ALL)[id].heading == heading


def test_deleting_a_document_deletes_everywhere() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        document = put(connection, collection, "a", draft("apple", vector=[1, 0]), model="m")
        assert store.delete_document(connection, document)
        assert not store.delete_document(connection, document)
        assert held(connection, "appl") == 0
        assert connection.scalar(sa.select(sa.func.count()).select_from(vectors)) == 0
        assert store.find_collection(connection, "docs").passages == 0
        connection.exec_driver_sql("INSERT INTO passages_fts(passages_fts, rank) VALUES ('integrity-check', 1)")


def test_deleting_a_collection_leaves_its_neighbours() -> None:
    with shelf() as connection:
        first, second = (store.create_collection(connection, name) for name in ("one", "two"))
        put(connection, first, "a", draft("apple"))
        put(connection, second, "a", draft("apple"))
        store.delete_collection(connection, first.id)
        assert held(connection, "appl") == 1
        assert connection.scalar(sa.select(sa.func.count()).select_from(passages)) == 1


def test_unknown_and_unreadable_are_the_same() -> None:
    with shelf() as connection:
        open_, closed = (store.create_collection(connection, name) for name in ("open", "closed"))
        document = put(connection, closed, "a", draft("apple"))
        messages = []
        for name in ("closed", "absent"):
            with pytest.raises(NotFound) as caught:
                store.find_collection(connection, name, only(open_))
            messages.append(caught.value.message.replace(name, ""))
        assert messages[0] == messages[1]
        with pytest.raises(NotFound):
            store.read_document(connection, document, only(open_))
        assert [one.name for one in store.list_collections(connection, only(open_))] == ["open"]


def test_a_name_is_taken_once() -> None:
    with shelf() as connection:
        store.create_collection(connection, "docs")
        with pytest.raises(Conflict):
            store.create_collection(connection, "docs")


def test_a_document_deleted_meanwhile_takes_no_passages() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        document = put(connection, collection, "a", draft("apple"))
        store.delete_document(connection, document)
        with pytest.raises(NotFound):
            store.replace_passages(connection, document, [draft("pear")], text="pear", content_hash="", title="", url=None, media_type="")
