from __future__ import annotations

import pytest

from antiphon.retrieval import calibrate, index, store, tokens
from tests.unit.retrieval.shelf import draft, put, shelf


def judged(passage: str, question: str, others: int = 50) -> list[float]:
    with shelf() as connection:
        collection = store.create_collection(connection, "docs")
        put(connection, collection, "it", draft(passage))
        for number in range(others):
            put(connection, collection, f"o{number}", draft(f"number {number} of something else entirely"))
        searched = index.scope([store.find_collection(connection, "docs")])
        asked = tokens.tokenize_query(question)
        ranking = index.rank(connection, asked, searched)
        return calibrate.features(ranking, ranking.scored[0], asked.language, searched.passages)


def test_share_is_the_weight_of_the_words_held() -> None:
    assert judged("amber lantern", "amber lantern")[0] == pytest.approx(1)
    assert 0.4 < judged("amber lantern", "amber zebra")[0] < 0.5


def test_words_together_are_nearer_than_words_apart() -> None:
    filler = " ".join(f"w{number}" for number in range(100))
    together, apart = judged("amber lantern " + filler, "amber lantern"), judged(f"amber {filler} lantern", "amber lantern")
    assert together[1] > apart[1]
    assert together[0] == apart[0]


def test_more_evidence_never_lowers_the_confidence() -> None:
    assert all(weight > 0 for weight in calibrate.WORDS[1:])
    low = calibrate.confidence([0.5, 0.0, 1.0], calibrate.WORDS)
    assert low < calibrate.confidence([0.6, 0.0, 1.0], calibrate.WORDS)


def test_pairs_of_characters_do_not_count_as_words() -> None:
    both = judged("数据库备份", "数据库备份")
    half = judged("数 据 库 备 份", "数据库备份")
    assert both[0] == half[0] == pytest.approx(1)
    assert both[2] > half[2]
