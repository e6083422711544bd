from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon.core.language import Language, detect, match

CORPUS = Path(__file__).parents[2] / "corpus"
TRADITIONAL = {"lockers", "music-corner", "parking", "photo-studio", "repair-cafe"}
PAGES = sorted(CORPUS.glob("*/*.md"))


def language_of(page: Path) -> Language:
    if page.parent.name == "zh":
        return "zh-Hant" if page.stem in TRADITIONAL else "zh-Hans"
    return "vi" if page.parent.name == "vi" else "en"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_every_page_of_the_corpus_is_known_by_its_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert detect(text) == language_of(page)
    for paragraph in text.split("\n\n"):
        if len(paragraph) > 200:
            assert detect(paragraph) == language_of(page)


@pytest.mark.parametrize("file", ["questions.jsonl", "foreign.jsonl"])
def test_every_question_is_known_unless_it_is_written_without_marks(file: str) -> None:
    for line in (CORPUS / file).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        expected = {row["language"]} if row["language"] != "vi" or not row["question"].isascii() else {"en"}
        assert detect(row["question"])[:2] in expected, row["question"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("42 + 1", "en"),
        ("gia ve bao nhieu", "en"),
        ("Đi đâu?", "vi"),
        ("đăng kí", "vi"),
        ("Cài đặt Docker trên Ubuntu Server 22.04 LTS", "vi"),
        ("Where is Đà Nẵng on the map of Vietnam?", "en"),
        ("În România se vorbește limba română și fără grabă", "en"),
        ("Đurđevac leži u Hrvatskoj, čak i više", "en"),
        ("Ich möchte die Größe wissen", "en"),
        ("Les cafés très chers de la forêt", "en"),
        ("请问几点关门", "zh-Hans"),
        ("請問幾點關門", "zh-Hant"),
        ("愛", "zh-Hant"),
        ("爱", "zh-Hans"),
        ("不可以", "zh-Hans"),
        ("游泳池在哪裡", "zh-Hant"),
        ("怎么用 Docker 部署 PostgreSQL", "zh-Hans"),
        ("The word 你好 means hello in Chinese", "en"),
        ("こんにちは、世界。お元気ですか", "en"),
    ],
)
def test_short_texts(text: str, language: Language) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        (None, None),
        ("", None),
        ("en-GB", "en"),
        ("de", "en"),
        ("vi", "vi"),
        ("vi_VN", "vi"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("ZH-hk", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-Hans-SG", "zh-Hans"),
    ],
)
def test_tags(tag: str | None, language: Language | None) -> None:
    assert match(tag) == language
