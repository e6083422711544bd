"""Children for real: what they are kept from, and that one bad document costs nobody else."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from antiphon.core.errors import Unavailable
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.reading.pool import Extractor
from tests.unit.retrieval.extract.files import docx_file, flate_bomb_pdf, pdf, xlsx_file
from tests.unit.retrieval.extract.slides import pptx_file


@pytest.fixture
def extractor() -> Iterator[Extractor]:
    pool = Extractor(2)
    yield pool
    pool.close()


def children() -> set[int]:
    """Process ids of our own children."""
    own = Path(f"/proc/{os.getpid()}/task")
    while True:
        try:
            return {int(number) for task in own.iterdir() for number in (task / "children").read_text().split()}
        except FileNotFoundError:  # a thread has ended, and another has its children now
            continue


def test_a_document_comes_back_cut_into_passages(extractor: Extractor) -> None:
    answer = extractor.extract("# 借书\n\n借书证在前台办理。\n".encode(), name="a.md")
    assert answer.document.title == "借书"
    assert [answer.document.text[passage.start : passage.end] for passage in answer.passages] == [
        passage.text for passage in answer.passages
    ]
    assert "前台" in "".join(passage.text for passage in answer.passages)


@pytest.mark.parametrize(
    ("name", "data"), [("x.pdf", pdf(["Some text"])), ("x.docx", docx_file()), ("x.pptx", pptx_file()), ("x.xlsx", xlsx_file())]
)
def test_every_parser_works_within_the_limits(extractor: Extractor, name: str, data: bytes) -> None:
    assert extractor.extract(data, name=name).passages


def test_many_threads_share_few_children(extractor: Extractor) -> None:
    before = children()
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(lambda number: extractor.extract(b"page %d" % number, name="a.txt").document.text, range(60)))
    assert texts == [f"page {number}" for number in range(60)]
    assert len(children() - before) <= 2
    extractor.rest()
    assert children() <= before


LAUGHS = ".. |l0| replace:: ha\n" + "".join(f".. |l{n}| replace:: {' '.join([f'|l{n - 1}|'] * 10)}\n" for n in range(1, 9)) + "\n|l8|\n"


@pytest.mark.parametrize(("name", "data"), [("laughs.rst", LAUGHS.encode()), ("flood.pdf", flate_bomb_pdf(128))])
def test_a_bomb_costs_its_own_document_a_bounded_time(name: str, data: bytes) -> None:
    with closing(Extractor(1, cpu_seconds=1)) as pool:
        with pytest.raises(Unreadable) as raised:
            pool.extract(data, name=name)
        ends = ("too_slow", "too_large", "corrupt") if name.endswith(".pdf") else ("too_slow", "too_large")
        assert raised.value.reason in ends  # PDFium aborts where memory ends, which on a fast machine is before the time does
        assert pool.extract(b"still here", name="a.txt").document.text == "still here"


@pytest.mark.parametrize("name", ["x.html", "x.csv", "x.rst"])
def test_memory_is_bounded(name: str) -> None:
    with closing(Extractor(1, memory=300 * 1024 * 1024)) as pool:
        with pytest.raises(Unreadable) as raised:
            pool.extract(b"<p>a</p>,\n" * 1_500_000, name=name)
        assert raised.value.reason == "too_large"
        assert pool.extract(b"still here", name="a.txt").document.text == "still here"


def test_a_stalled_child_is_ended_by_the_clock() -> None:
    before = children()
    with closing(Extractor(1, wall_seconds=5)) as pool:
        pool.extract(b"warm", name="a.txt")
        (child,) = children() - before
        os.kill(child, signal.SIGSTOP)
        with pytest.raises(Unreadable) as raised:
            pool.extract(b"text", name="a.txt")
        assert raised.value.reason == "too_slow"
    assert children() <= before


def test_a_crash_fails_its_document_by_name_and_the_next_one_works(extractor: Extractor) -> None:
    before = children()
    extractor.extract(b"warm", name="a.txt")
    (child,) = children() - before
    os.kill(child, signal.SIGSTOP)
    threading.Timer(0.1, os.kill, (child, signal.SIGSEGV)).start()
    threading.Timer(0.2, os.kill, (child, signal.SIGCONT)).start()
    with pytest.raises(Unreadable) as raised:
        extractor.extract(b"text", name="a.txt")
    assert raised.value.reason == "corrupt"
    assert "crash" in raised.value.message
    assert extractor.extract(b"text", name="a.txt").document.text == "text"


def test_the_child_knows_nothing_of_our_environment(extractor: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    before = children()
    extractor.extract(b"warm", name="a.txt")
    (child,) = children() - before
    assert b"sk-secret" not in Path(f"/proc/{child}/environ").read_bytes()


def test_a_closed_pool_starts_nothing(extractor: Extractor) -> None:
    extractor.close()
    with pytest.raises(Unavailable):
        extractor.extract(b"text", name="a.txt")
