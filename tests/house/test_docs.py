"""The documentation names everything there is, and nothing that there is not."""

import re
from pathlib import Path

import pytest

from antiphon.api.routes import SUMMARIES
from antiphon.cli.main import VERBS
from antiphon.models.environment import names_known
from antiphon.retrieval.extract.kinds import SUFFIXES
from antiphon.settings.declared import SETTINGS
from tests.docs.markdown import DOCS, anchors, blocks, headings, links, pages, prose
from tests.docs.picture import PICTURE, drawn, transcript
from tests.docs.reference import PAGES
from tests.house.tree import PACKAGE, ROOT, named

DECISIONS = DOCS / "decisions"
TASKS = [path for path in pages() if path.parent not in (DOCS / "reference", DECISIONS)]


def read(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == PAGES[name](), "run: make docs"


def test_the_picture_shows_what_the_commands_print() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn(transcript()), "run: make docs"


def test_every_dialect_has_its_chapter_and_names_what_it_cannot_say() -> None:
    chapters = read(DOCS / "apis.md")
    for folder in (PACKAGE / "dialects").iterdir():
        if (folder / "dialect.py").is_file():
            assert "It cannot say" in read(folder / "README.md"), folder.name
            assert f"`{folder.name}`" in chapters, folder.name
            assert f"dialects/{folder.name}/README.md" in chapters, folder.name


def test_every_dialect_route_is_told_of() -> None:
    text = read(*TASKS)
    assert [path for path in SUMMARIES if path.rstrip("*") not in text] == []


def test_every_verb_is_used_in_a_page() -> None:
    text = read(*TASKS)
    assert [verb for verb in VERBS if f"antiphon {verb}" not in text] == []


def test_settings_and_variables_named_in_pages_exist() -> None:
    text = read(*pages())
    groups = {name.partition(".")[0] for name in SETTINGS}
    named_settings = {name for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", text) if name.partition(".")[0] in groups}
    assert {name for name in named_settings if name not in SETTINGS and name != "server.json"} == set()
    variables = {variable for setting in SETTINGS.values() for variable in setting.variables} | {"ANTIPHON_CONFIG"}
    assert {name for name in re.findall(r"ANTIPHON_[A-Z_]+", text) if name.removesuffix("_FILE") not in variables} == set()


def test_every_variable_that_holds_a_key_is_named() -> None:
    text = read(DOCS / "models.md")
    assert [name for name in sorted(names_known()) if f"`{name}`" not in text] == []


def test_every_kind_of_document_is_named() -> None:
    text = read(DOCS / "documents.md")
    assert [suffix for suffix in SUFFIXES if f"`{suffix}`" not in text] == []


def test_every_metric_is_named() -> None:
    declared = re.findall(r'"(antiphon_\w+)", "', read(PACKAGE / "api" / "metrics.py"))
    text = read(DOCS / "operation.md")
    assert len(declared) > 5
    assert [name for name in declared if name not in text] == []


@pytest.mark.parametrize("path", [*pages(), ROOT / "CONTRIBUTING.md"], ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in links(path):
        place, _, anchor = target.partition("#")
        file = (path.parent / place).resolve() if place else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_table_of_contents() -> None:
    held = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "README.md")}
    expected = {
        path for path in pages() if DOCS in path.parents and path.parent != DECISIONS and path.name not in ("README.md", "benchmarks.md")
    }
    assert expected - held == set()


def test_every_decision_is_dated_and_listed() -> None:
    listed = {(DECISIONS / target).resolve() for target in links(DECISIONS / "README.md")}
    found = {path for path in DECISIONS.glob("*.md") if path.name != "README.md"}
    assert found == {path for path in listed if path.parent == DECISIONS}
    for path in found:
        assert re.search(r"^\d{4}-\d{2}-\d{2}$", prose(path), re.MULTILINE), named(path)
        assert len(headings(path)) >= 3, f"{named(path)}: decision, reasons, price"


def test_blocks_that_are_not_run_say_why() -> None:
    for path in pages():
        assert [block.line for block in blocks(path, "sh") if block.reason is not None and len(block.reason) < 10] == []
        assert blocks(path, "bash") + blocks(path, "shell") == [], f"{named(path)}: write sh, so that it is run"
