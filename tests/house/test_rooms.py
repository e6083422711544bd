"""What may stand in which room. The direction of imports between rooms is import-linter's (`.importlinter`); this is what it cannot say."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from sys import stdlib_module_names

from tests.house.tree import PACKAGE, ROOT, imports, inside, named, parse, python_files, room, rooms

PURE = ("core", "wire", "dialects", "chat")
# fmt: off
IMPURE = frozenset({
    "concurrent", "fcntl", "glob", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select",
    "selectors", "shutil", "socket", "sqlite3", "ssl", "structlog", "subprocess", "tempfile", "threading", "time",
    "urllib.request", "uuid",
})
# fmt: on
STREAM_ROOMS = ("wire", "dialects", "providers", "runs", "chat", "api")


def _calls(path: Path) -> list[tuple[int, str]]:
    """Line and dotted name, as written, of every call."""
    return [(node.lineno, ast.unparse(node.func)) for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_pure_rooms_import_nothing_that_acts() -> None:
    found = [f"{named(path)}:{line} {name}" for path in rooms(*PURE) for line, name in imports(parse(path)) if inside(name, IMPURE)]
    assert found == []


def test_pure_rooms_open_nothing_and_read_no_clock() -> None:
    acting = re.compile(r"(^|\.)(now|utcnow|today)$|^(open|input|print)$")
    found = [f"{named(path)}:{line} {name}" for path in rooms(*PURE) for line, name in _calls(path) if acting.search(name)]
    assert found == []


def test_only_settings_reads_the_environment() -> None:
    reading = re.compile(r"\bos\.(environb?|getenvb?)\b|\bfrom os import .*\b(environ|getenv)")
    found = [named(path) for path in python_files("src") if room(path) != "settings" and reading.search(ast.unparse(parse(path)))]
    assert found == []


def test_streams_are_never_split_into_lines_by_unicode_rules() -> None:
    """`str.splitlines` and the clients' line iterators cut at U+2028 and its kind, in the middle of a JSON string."""
    splitting = re.compile(r"\.(splitlines|aiter_lines|iter_lines)$")
    found = [f"{named(path)}:{line} {name}" for path in rooms(*STREAM_ROOMS) for line, name in _calls(path) if splitting.search(name)]
    assert found == []


def test_sql_stays_in_storage_permissions_and_stores() -> None:
    """Others may name a connection to hand a transaction through, and catch its errors; they neither build a statement nor run one.

    A file that imports none of the libraries has no connection (it could not name its type), so `scalar` there is something else.
    """
    allowed = {"sqlalchemy", "sqlalchemy.Connection", "sqlalchemy.exc", "sqlite3.sqlite_version"}
    written = re.compile(r"^(sa|sqlalchemy)\.(?!Connection\b|exc\b)|\.(execute|exec_driver_sql|scalar|scalars)$")
    found = []
    for path in python_files("src"):
        if room(path) in ("storage", "permissions") or path.name == "store.py":
            continue
        used = [(line, name) for line, name in imports(parse(path)) if inside(name, {"sqlalchemy", "sqlite3", "alembic"})]
        found += [f"{named(path)}:{line} {name}" for line, name in used if name not in allowed and not inside(name, {"sqlalchemy.exc"})]
        if used:
            found += [f"{named(path)}:{line} {name}" for line, name in _calls(path) if written.search(name)]
    assert found == []


def test_dialects_and_providers_do_not_know_each_other() -> None:
    """A folder in either room stands alone; what several share is a plain module beside the folders."""
    found = []
    for shelf in ("dialects", "providers"):
        folders = {f"antiphon.{shelf}.{folder.name}" for folder in (PACKAGE / shelf).iterdir() if (folder / "__init__.py").is_file()}
        for path in rooms(shelf):
            own = ".".join(path.relative_to(PACKAGE.parent).parts[:3])
            found += [f"{named(path)}:{line} {name}" for line, name in imports(parse(path)) if inside(name, folders - {own})]
    assert found == []


def test_imports_stand_at_the_top_or_say_why_not() -> None:
    found = []
    for path in python_files("src"):
        lines = path.read_text(encoding="utf-8").split("\n")
        functions = (node for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        inner = {node.lineno for node in chain.from_iterable(map(ast.walk, functions)) if isinstance(node, ast.Import | ast.ImportFrom)}
        found += [f"{named(path)}:{line}" for line in sorted(inner) if "# lazy: " not in lines[line - 1]]
    assert found == []


def test_packages_do_nothing_when_imported() -> None:
    """An `__init__.py` holds a docstring at most."""
    found = []
    for path in python_files("src"):
        body = parse(path).body
        if path.name == "__init__.py" and body[1 if ast.get_docstring(parse(path)) else 0 :]:
            found.append(named(path))
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    """Unit tests mirror src/, so their own name says it."""
    modules = [path for path in python_files("src", "bench") if path.read_text(encoding="utf-8").strip()]
    assert [named(path) for path in modules if not ast.get_docstring(parse(path))] == []


def test_every_library_imported_is_declared() -> None:
    """What src/ imports is a dependency by name, never by the luck of another library bringing it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    declared = {_normal(re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]) for requirement in requirements}
    providers = packages_distributions()
    found = []
    for path in python_files("src"):
        for line, name in imports(parse(path)):
            top = name.split(".")[0]
            if top == "antiphon" or top in stdlib_module_names:
                continue
            if not declared & set(map(_normal, providers.get(top, [top]))):
                found.append(f"{named(path)}:{line} {top}")
    assert found == []
