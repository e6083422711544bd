from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from antiphon.retrieval.tokens import join, language_of, tokenize, tokenize_query, unaccented


def test_english_becomes_stems_without_stop_words() -> None:
    assert tokenize("The Printers are PRINTING max_open files").words == ["printer", "print", "max", "open", "file"]


def test_chinese_becomes_characters_and_pairs() -> None:
    assert tokenize("数据库").words == ["数", "数据", "据", "据库", "库"]


def test_traditional_and_simplified_are_the_same() -> None:
    assert tokenize("臺灣資料庫連線後發出錯誤訊息").words == tokenize("台湾资料库连线后发出错误讯息").words


def test_full_width_latin_in_chinese_is_an_english_word() -> None:
    assert tokenize("安装ＤＯＣＫＥＲ容器").words == ["安", "安装", "装", "docker", "容", "容器", "器"]


def test_vietnamese_becomes_syllables_pairs_and_unaccented_forms() -> None:
    made = tokenize("Cài đặt, mạng")
    assert made.language == "vi"
    assert made.words == ["cài", "đặt", "cài·đặt", "mạng"]
    assert made.plain == ["·cai", "·dat", "·mang"]


def test_decomposed_vietnamese_is_the_same() -> None:
    assert tokenize("Ca\u0300i đa\u0323\u0306t") == tokenize("Cài đặt")


def test_a_question_loses_repeats_and_question_words() -> None:
    assert tokenize_query("请问如何安装？").words == ["安", "安装", "装"]
    assert tokenize_query("Mạng, là gì?").words == ["mạng", "là·gì"]
    assert tokenize_query("file file").words == ["file"]


def test_a_question_of_question_words_alone_keeps_them() -> None:
    assert tokenize_query("谁").words == ["谁"]
    assert tokenize_query("là gì").words


def test_unaccented_typing_looks_for_unaccented_forms() -> None:
    assert tokenize_query("cai dat").plain == {"cai": "·cai", "dat": "·dat"}


def test_language_goes_by_script_and_marks() -> None:
    assert language_of("Where is café Nguyễn on the old market square of Hanoi?") == "en"
    assert language_of("Bảo hành máy in") == "vi"
    assert language_of("openEuler 的内核") == "zh"
    assert language_of("!?") == "en"


def test_unaccented_keeps_letters() -> None:
    assert unaccented("đường") == "duong"


@given(st.text(max_size=200))
def test_every_token_is_one_token_to_the_full_text_index(text: str) -> None:
    """Neither split nor folded: what we count is what the index finds."""
    made = tokenize(text)
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE f USING fts5(tokens, tokenize='ascii', detail=none)")
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(f, 'row')")
    db.execute("INSERT INTO f VALUES (?)", (join(made),))
    assert {row[0] for row in db.execute("SELECT term FROM v")} == set(made.words + made.plain)
    assert join(made).split() == made.words + made.plain
    db.close()


def test_a_pasted_page_is_a_bounded_question() -> None:
    assert len(tokenize_query(" ".join(f"word{number}" for number in range(100_000))).words) == 128


@given(st.text(max_size=100))
def test_a_question_finds_the_words_of_the_same_passage(text: str) -> None:
    made = tokenize(text)
    assert set(tokenize_query(text).words) <= set(made.words)
