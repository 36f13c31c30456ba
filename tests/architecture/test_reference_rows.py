"""The page of rows and the tests of rows name each other."""

import ast
from collections import Counter

from tests.architecture.source_files import ROOT
from tests.serve.demo.rows.reference_rows import PAGE, read_reference_rows

TESTS = ROOT / "tests" / "serve" / "demo" / "rows"
REASONS = ("left out", "belongs to the work on")


def existing() -> set[tuple[str, str]]:
    return {
        (file.stem, node.name)
        for file in TESTS.glob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_line_of_the_page_is_read() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(read_reference_rows()) > 130
    assert [
        row for row, count in Counter((row.method, row.path) for row in read_reference_rows()).items() if count > 1
    ] == []


def test_every_row_has_a_test_or_a_reason() -> None:
    for row in read_reference_rows():
        assert row.proof or row.implementation.startswith(REASONS), f"{row.method} {row.path} has neither"
        assert not (row.proof and row.implementation.startswith(REASONS)), f"{row.method} {row.path} has both"


def test_the_tests_that_are_named_exist_and_the_others_are_named() -> None:
    named = {row.proof for row in read_reference_rows() if row.proof}
    assert named <= existing(), "named on the page, and not there"
    of_all_rows = {(module, name) for module, name in existing() if module == "test_credentials"}
    assert existing() - named - of_all_rows == set(), "not named on the page"
