"""Check the openEuler question sets against the documentation they ask about.

    python tests/evaluation/check_questions.py DATA_DIR

Rules that hold inside: a question repeats no heading of any page and no run of six units of any page. A unit is one Han
character or one Latin word (letters and digits; `/etc/fstab` is two). Headings count from two words or four units with Han
characters on. Only the standard library is used, and no question is ever put to a retrieval system here.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED = {
    "openeuler_en.jsonl": {"en": 30},
    "openeuler_zh.jsonl": {"zh": 30},
    "openeuler_foreign.jsonl": {"en": 15, "zh": 15},
}
RUN = 6
UNIT = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$")
UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})\s*$")
FENCE = re.compile(r"^\s*(`{3,}|~{3,})")

Units = tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """One documentation page: its headings and every run of six units in it."""

    headings: frozenset[Units]
    runs: frozenset[Units]


def units(text: str) -> Units:
    """Split text into case-folded units, leaving markup and punctuation out."""
    return tuple(UNIT.findall(html.unescape(TAG.sub(" ", text)).casefold()))


def runs(of: Units, length: int) -> Iterator[Units]:
    """Yield every run of `length` neighbouring units."""
    return (of[start : start + length] for start in range(len(of) - length + 1))


def headings(text: str) -> Iterator[str]:
    """Yield the headings of a Markdown text, outside code fences."""
    fenced = False
    previous = ""
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            if found := HEADING.match(line):
                yield found[1]
            elif previous.strip() and UNDERLINE.match(line):
                yield previous
        previous = line


def counts_as_heading(of: Units) -> bool:
    """Say whether a heading is long enough for repeating it to matter."""
    return len(of) >= (4 if any("\u3400" <= unit <= "\u9fff" for unit in of) else 2)


def read_page(path: Path) -> Page:
    """Read one page from the data directory."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = (units(heading) for heading in headings(text))
    return Page(frozenset(filter(counts_as_heading, found)), frozenset(runs(units(text), RUN)))


def read_rows(path: Path) -> list[dict[str, object]]:
    """Read a file with one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def overlaps(question: str, pages: dict[str, Page]) -> Iterator[str]:
    """Yield what the question repeats of any page."""
    asked = units(question)
    asked_runs = set(runs(asked, RUN))
    for name, page in pages.items():
        for run in sorted(asked_runs & page.runs):
            yield f"shares {' '.join(run)!r} with {name}"
        for heading in sorted(page.headings):
            if heading in set(runs(asked, len(heading))):
                yield f"repeats heading {' '.join(heading)!r} of {name}"


def check_row(row: dict[str, object], foreign: bool, pages: dict[str, Page]) -> Iterator[str]:
    """Yield the faults of one question."""
    also = row.get("also", [])
    if foreign:
        if row["page"] is not None or also:
            yield "a foreign question names a page"
    elif not isinstance(also, list):
        yield "also is no list"
    else:
        yield from (f"no such page: {name}" for name in [row["page"], *also] if name not in pages)
    yield from overlaps(str(row["question"]), pages)


def check_set(name: str, pages: dict[str, Page]) -> Iterator[str]:
    """Yield the faults of one question file."""
    rows = read_rows(HERE / name)
    counts: dict[str, int] = {}
    for row in rows:
        language = str(row["language"])
        counts[language] = counts.get(language, 0) + 1
    if counts != EXPECTED[name]:
        yield f"{name}: has {counts}, expected {EXPECTED[name]}"
    yield from (f"{name}: {key} twice: {value}" for key, value in repeated(rows))
    for row in rows:
        yield from (f"{row['id']}: {fault}" for fault in check_row(row, "foreign" in name, pages))


def repeated(rows: Iterable[dict[str, object]]) -> Iterator[tuple[str, object]]:
    """Yield ids, questions and pages that occur more than once."""
    seen: set[tuple[str, object]] = set()
    for row in rows:
        for key in ("id", "question", "page"):
            if row[key] is not None and (key, row[key]) in seen:
                yield key, row[key]
            seen.add((key, row[key]))


def main(arguments: list[str]) -> int:
    """Check all sets; return the process's exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: check_questions.py DATA_DIR", file=sys.stderr)
        return 2
    root = Path(arguments[0])
    pages = {path.relative_to(root).as_posix(): read_page(path) for path in sorted(root.rglob("*.md"))}
    print(f"{len(pages)} pages read")
    faulty = False
    for name, expected in EXPECTED.items():
        faults = list(check_set(name, pages))
        faulty = faulty or bool(faults)
        print(f"{name}: {sum(expected.values())} questions expected, {len(faults)} faults")
        for fault in faults:
            print(f"  {fault}")
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
