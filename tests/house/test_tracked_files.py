"""What may be committed. Patterns are put together from halves, so that this file does not match itself."""

import re
from pathlib import Path

from tests.house.tree import PACKAGE, ROOT, named, python_files, tracked

REGISTRIES = re.compile(
    "|".join(
        a + r"\." + b
        for a, b in [("registry", "npm" + "js"), ("registry", "yarn" + "pkg"), ("py" + "pi", "org"), ("python" + "hosted", "org")]
    )
    + r"|deb\.de"
    + r"bian\.org"
)
LOCAL_PATHS = re.compile(r"(^|[^A-Za-z0-9_.])/(" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot"]) + r")/[A-Za-z.]", re.MULTILINE)
UNFINISHED = re.compile("|".join(["NotImplemented" + "Error", r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", "coming" + " soon"]))
IDLE_TESTS = re.compile(r"mark\.(sk" + r"ip|xf" + r"ail)|\.sk" + r"ip\(|assert Tr" + "ue|importor" + "skip")


def _matches(pattern: re.Pattern[str], files: list[Path] | tuple[Path, ...]) -> list[str]:
    found = []
    for path in files:
        data = path.read_bytes()
        if b"\0" in data:
            continue
        text = data.decode("utf-8", "replace")
        found += [f"{named(path)}:{text.count(chr(10), 0, hit.start()) + 1} {hit.group()}" for hit in pattern.finditer(text)]
    return found


def test_no_registry_is_named() -> None:
    assert _matches(REGISTRIES, tracked()) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert _matches(LOCAL_PATHS, tracked()) == []


def test_nothing_is_left_unfinished() -> None:
    assert _matches(UNFINISHED, python_files("src", "bench")) == []


def test_no_test_is_switched_off() -> None:
    assert _matches(IDLE_TESTS, python_files("tests")) == []


def test_files_are_small_enough_to_review() -> None:
    assert [named(path) for path in tracked() if path.stat().st_size > 1 << 20] == []


def test_every_noun_at_the_top_and_every_room_has_a_place_on_the_map() -> None:
    """CONTRIBUTING.md is the map: whoever adds a room or something at the top says there what it is for."""
    places = set(re.findall(r"`([^`\s]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    top = {path.relative_to(ROOT).parts[0] + ("/" if len(path.relative_to(ROOT).parts) > 1 else "") for path in tracked()}
    inner = {path.relative_to(PACKAGE).parts for path in python_files("src")}
    rooms = {parts[0] + ("/" if len(parts) > 1 else "") for parts in inner if parts != ("__init__.py",)}
    assert (top | rooms) - places == set()


def test_requirements_are_exact_hashed_and_name_no_address() -> None:
    locks = [path for path in tracked() if path.parent == ROOT / "requirements" and path.suffix == ".txt"]
    assert {path.stem for path in locks} >= {"runtime", "dev", "local", "minilm"}
    for path in locks:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"://|file:", text), named(path)
        entries = re.split(r"\n(?=\S)", text.strip())
        assert [entry for entry in entries if not (re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S", entry) and "--hash=sha256:" in entry)] == []
