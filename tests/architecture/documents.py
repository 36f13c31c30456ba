"""The project's documents, and what in them can be compared with the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.source_files import ROOT, shipped_files

FENCED = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def documents() -> list[Path]:
    """Every page that a reader may open."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def prose(path: Path) -> str:
    """The page without its fenced blocks."""
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def code_in(path: Path) -> Iterator[str]:
    """Inline code, and the lines of fenced blocks."""
    text = path.read_text(encoding="utf-8")
    yield from INLINE.findall(FENCED.sub("", text))
    for block in FENCED.findall(text):
        yield from block.splitlines()


def anchors(path: Path) -> set[str]:
    """What may stand behind # in a link to the page, as GitHub makes it of headings."""
    headings = HEADING.findall(prose(path))
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-") for heading in headings}


@cache
def known_names() -> frozenset[str]:
    """Every name that the shipped code gives to anything: modules, classes, functions, fields, arguments, codes."""
    found: set[str] = set()
    for source in shipped_files():
        found |= set(source.name.removesuffix(".py").split("/"))
        for node in ast.walk(source.tree):
            found |= set(_given(node))
    return frozenset(found)


def _given(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.arg | ast.keyword) and node.arg:
        yield node.arg
    elif isinstance(node, ast.alias):
        yield from node.name.split(".")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value
