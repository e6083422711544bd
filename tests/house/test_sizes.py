"""A file is read in one sitting, a function on one screen. There is no list of exceptions: what grows past the limit is split."""

import ast

from tests.house.tree import named, parse, python_files

FILE_LINES = 400
FUNCTION_LINES = 60


def test_files_stay_readable_in_one_sitting() -> None:
    lengths = {named(path): path.read_text(encoding="utf-8").count("\n") for path in python_files("src", "tests", "bench")}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def test_functions_fit_on_a_screen() -> None:
    found = {}
    for path in python_files("src", "tests", "bench"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    found[f"{named(path)}:{node.lineno} {node.name}"] = length
    assert found == {}


def test_no_file_is_named_for_having_no_subject() -> None:
    aimless = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert [named(path) for path in python_files("src", "tests", "bench") if aimless & {path.stem, path.parent.name}] == []
