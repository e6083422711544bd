import os
from pathlib import Path

import pytest

from antiphon.core.errors import BadRequest
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.sources import Found, Skipped, Spool, read, scan, url_of


def test_a_folder_is_walked_in_order_without_what_is_hidden_or_unknown(tmp_path: Path) -> None:
    root = tmp_path / "docs"
    for name in ("b.md", "a/x.html", "a/.hidden.md", ".git/y.md", "tool.exe", "LICENSE"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text")
    seen = list(scan(root, url_prefix="https://docs.example/v1"))
    assert [(item.source, item.url) for item in seen if isinstance(item, Found)] == [
        ("docs/b.md", "https://docs.example/v1/b.md"),
        ("docs/a/x.html", "https://docs.example/v1/a/x.html"),
    ]
    assert [item.source for item in seen if isinstance(item, Skipped)] == ["docs/LICENSE", "docs/tool.exe"]


def test_a_single_file_is_its_own_source(tmp_path: Path) -> None:
    (tmp_path / "a b.md").write_text("text")
    (found,) = scan(tmp_path / "a b.md", url_prefix="https://x.example/")
    assert isinstance(found, Found)
    assert (found.source, found.url) == ("a b.md", "https://x.example/a%20b.md")


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    root = tmp_path / "docs"
    (root / "real").mkdir(parents=True)
    (root / "real" / "in.md").write_text("inside")
    (root / "out.md").symlink_to(secret)
    (root / "in.md").symlink_to(root / "real" / "in.md")
    (root / "loop.md").symlink_to(root / "loop.md")
    (root / "up").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.md")
    seen = {item.source: item for item in scan(root)}
    assert {source for source, item in seen.items() if isinstance(item, Found)} == {"docs/in.md", "docs/real/in.md"}
    assert {source for source, item in seen.items() if isinstance(item, Skipped)} == {"docs/out.md", "docs/loop.md", "docs/pipe.md"}


def test_a_file_swapped_for_a_link_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "gone", "."):
        with pytest.raises(Unreadable) as raised:
            read(str(tmp_path / name))
        assert str(tmp_path) not in raised.value.message


def test_a_name_that_is_no_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.md")).write_text("text")
    (skipped,) = scan(tmp_path)
    assert isinstance(skipped, Skipped)
    skipped.source.encode()


def test_a_missing_path_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        list(scan(tmp_path / "none"))


@pytest.mark.parametrize(
    ("prefix", "url"),
    [
        (None, None),
        ("https://x.example/docs/", "https://x.example/docs/%E5%80%9F/a.md"),
        ("https://x.example/docs", "https://x.example/docs/%E5%80%9F/a.md"),
        ("https://x.example/?page=", "https://x.example/?page=%E5%80%9F/a.md"),
    ],
)
def test_urls_are_prefix_and_path(prefix: str | None, url: str | None) -> None:
    assert url_of(prefix, "借/a.md") == url


def test_the_spool_keeps_bytes_until_they_are_dropped(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    kept, dropped, orphan = spool.put(b"one"), spool.put(b"two"), spool.put(b"three")
    spool.drop(dropped)
    spool.drop(dropped)
    assert spool.get(kept) == b"one"
    with pytest.raises(Unreadable):
        spool.get(dropped)
    assert spool.sweep(frozenset({kept}), before=0) == 0
    assert spool.sweep(frozenset({kept}), before=float("inf")) == 1
    assert spool.get(kept) == b"one"
    with pytest.raises(Unreadable):
        spool.get(orphan)
