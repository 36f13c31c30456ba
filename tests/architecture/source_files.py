"""The shipped source files, read once as text and as syntax trees."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("deployments", "storage", "bots", "ui", "proxies")


@dataclass(frozen=True)
class SourceFile:
    """``name`` is the path inside the project, with slashes."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def imports(self) -> set[str]:
        """Every module named in an import, wherever the import stands."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
        return found

    @property
    def strings(self) -> list[str]:
        """Every text constant, f-string parts among them, docstrings left out."""
        documentation = {id(node) for node in _docstrings(self.tree)}
        return [
            node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
        ]


def _docstrings(tree: ast.Module) -> list[ast.expr]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, documented)]
    return [body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)]


@cache
def shipped_files() -> tuple[SourceFile, ...]:
    """Everything a user installs: the rooms and ``serve_app.py``."""
    paths = [ROOT / "serve_app.py", *(path for room in PACKAGES for path in sorted((ROOT / room).rglob("*.py")))]
    return tuple(SourceFile(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)
