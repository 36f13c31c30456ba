"""The source files of the installed packages, as text and syntax trees."""

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("deployments", "storage", "bots", "ui", "proxies")


@dataclass(frozen=True)
class SourceFile:
    """``name`` is the path inside the project, with slashes."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def imports(self) -> set[str]:
        """Every imported module, also inside functions."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
        return found


@cache
def shipped_files() -> tuple[SourceFile, ...]:
    """The files of all packages and ``serve_app.py``."""
    paths = [ROOT / "serve_app.py", *(path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py")))]
    return tuple(SourceFile(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)
