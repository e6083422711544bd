from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from antiphon.retrieval import index, store, tokens
from antiphon.retrieval.search import search
from antiphon.retrieval.vectors import QueryVector
from tests.unit.retrieval.shelf import ALL, draft, only, put, shelf

FRUIT = (
    "Apples ripen in September and keep in a cool cellar until spring.",
    "Pears bruise easily and should be eaten within a week.",
    "Cherries are picked by hand from tall ladders in June.",
    "Plums are dried on wooden trays in the summer sun.",
    "Quinces are cooked with sugar before anybody eats them.",
    "Walnuts fall from the tree when the first frost comes.",
)
QUESTION = "When do apples ripen and how long do they keep in the cellar?"


def orchard(connection: sa.Connection, name: str = "orchard", **values: object) -> store.Collection:
    collection = store.create_collection(connection, name)
    for number, text in enumerate(FRUIT):
        put(connection, collection, f"{name}-{number}", draft(text))
    return store.find_collection(connection, name)


def test_the_right_passage_comes_first_with_its_place() -> None:
    with shelf() as connection:
        orchard(connection)
        found = search(connection, QUESTION, ALL)
        assert found.searched == 6
        hit = found.hits[0]
        assert hit.passage.text == FRUIT[0]
        assert (hit.passage.heading, hit.passage.page, hit.passage.end) == (("Chapter",), 2, len(FRUIT[0]))
        assert hit.score == found.confidence > 0.7
        assert hit.components.rank == 1
        assert 0 < hit.components.coverage < 1
        assert hit.components.cosine is None


def test_a_foreign_question_has_no_hits_and_little_confidence() -> None:
    with shelf() as connection:
        orchard(connection)
        found = search(connection, "Who won the chess championship in Reykjavik?", ALL)
        assert found.hits == ()
        assert found.confidence < 0.1


def test_min_score_gates_the_confidence() -> None:
    with shelf() as connection:
        orchard(connection)
        confidence = search(connection, QUESTION, ALL).confidence
        assert search(connection, QUESTION, ALL, min_score=confidence).hits
        assert not search(connection, QUESTION, ALL, min_score=confidence + 1e-9).hits


def test_top_k_counts_hits() -> None:
    with shelf() as connection:
        orchard(connection)
        assert len(search(connection, "summer sun frost cellar week", ALL, min_score=0, top_k=3).hits) == 3


def test_what_may_not_be_read_changes_nothing() -> None:
    with shelf() as connection:
        mine = orchard(connection)
        alone = search(connection, QUESTION, only(mine))
        secret = store.create_collection(connection, "secret")
        for number in range(20):
            put(connection, secret, f"s{number}", draft("apples ripen cellar cellar apples"))
        assert search(connection, QUESTION, only(mine)) == alone
        assert search(connection, QUESTION, only(mine), collection_ids=[secret.id]).searched == 0


def test_collection_ids_narrow_what_is_readable() -> None:
    with shelf() as connection:
        first, second = orchard(connection, "one"), orchard(connection, "two")
        found = search(connection, QUESTION, ALL, collection_ids=[second.id])
        assert {hit.passage.collection for hit in found.hits} == {second.id}
        assert search(connection, QUESTION, ALL, collection_ids=[first.id, second.id]).searched == 12
        assert search(connection, QUESTION, ALL, collection_ids=[]).searched == 0


def test_neighbouring_collections_are_one_range() -> None:
    with shelf() as connection:
        made = [store.create_collection(connection, name) for name in "abcd"]
        assert len(index.scope(made).ranges) == 1
        assert len(index.scope([made[0], made[1], made[3]]).ranges) == 2


@pytest.mark.parametrize("query", ["", "?", "的", "the of and", '" OR *', "a\u0000b", "NEAR(x y)", "\ud800", "x" * 5000])
def test_odd_questions_are_only_questions(query: str) -> None:
    with shelf() as connection:
        orchard(connection)
        assert 0 <= search(connection, query, ALL).confidence < 0.7


def test_chinese_is_found_in_either_script() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "zh")
        for source, text in {"a": "數據庫備份每天凌晨三點執行。", "b": "苹果在九月成熟。", "c": "列车时刻表每年更新两次。"}.items():
            put(connection, collection, source, draft(text))
        found = search(connection, "数据库备份几点执行？", ALL, min_score=0.5)
        assert found.hits[0].passage.title == "a"


def test_vietnamese_is_found_without_marks() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "vi")
        for source, text in {
            "a": "Cài đặt máy in trong mạng nội bộ.",
            "b": "Táo chín vào tháng chín.",
            "c": "Tàu chạy lúc sáu giờ.",
        }.items():
            put(connection, collection, source, draft(text))
        marked = search(connection, "cài đặt máy in", ALL, min_score=0)
        plain = search(connection, "cai dat may in", ALL, min_score=0)
        assert marked.hits[0].passage.title == plain.hits[0].passage.title == "a"
        assert plain.hits[0].components.coverage < marked.hits[0].components.coverage


def test_vectors_find_what_words_do_not() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        put(connection, collection, "a", draft("automobile", vector=[1, 0]), model="m")
        put(connection, collection, "b", draft("garden", vector=[0, 1]), model="m")
        near = QueryVector("m", np.array([1, 0], np.float32))
        hits = search(connection, "car", ALL, min_score=0, query_vector=near).hits
        assert hits[0].passage.title == "a"
        assert hits[0].components.cosine == pytest.approx(1, abs=1e-3)
        other = QueryVector("another", np.array([1, 0], np.float32))
        assert search(connection, "car", ALL, min_score=0, query_vector=other).hits == ()
        assert search(connection, "car", ALL, min_score=0, hybrid=False, query_vector=near).hits == ()


def test_new_vectors_are_seen_at_once() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        near = QueryVector("m", np.array([1, 0], np.float32))
        put(connection, collection, "a", draft("automobile", vector=[0, 1]), model="m")
        assert search(connection, "car", ALL, min_score=0, query_vector=near).hits[0].components.cosine == 0
        put(connection, collection, "a", draft("automobile", vector=[1, 0]), model="m")
        assert search(connection, "car", ALL, min_score=0, query_vector=near).hits[0].components.cosine == 1


def test_ranking_counts_every_repeat_of_a_word() -> None:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        put(connection, collection, "once", draft("tree stone river cloud"))
        put(connection, collection, "twice", draft("tree tree river cloud"))
        ranking = index.rank(connection, tokens.tokenize_query("tree"), index.scope([store.find_collection(connection, "docs")]))
        gains = [scored.gains[0] for scored in ranking.scored]
        assert gains[0] == pytest.approx(2 / (2 + 1.2))
        assert gains[1] == pytest.approx(1 / (1 + 1.2))
