"""The repository as the house rules see it: tracked files, and the syntax trees of our Python files."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "antiphon"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is committed, or would be with the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


def room(path: Path) -> str:
    """The room of a file under src/antiphon: the folder's name, or the module's own for a file that stands alone."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def rooms(*names: str) -> list[Path]:
    return [path for path in python_files("src") if room(path) in names]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and full dotted name of everything imported, function-level imports included: `from a import b` gives `a.b`."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.extend((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
    return found


def inside(name: str, modules: frozenset[str] | set[str]) -> bool:
    """Whether a dotted name is one of the modules or lies below one."""
    return any(name == module or name.startswith(module + ".") for module in modules)
