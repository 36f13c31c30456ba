"""Every compiled regular expression of the code base, and the calls of ``re`` with a pattern that is not compiled."""

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from tests.architecture.source_files import PACKAGES, shipped_files

_OTHER_ENVIRONMENTS = {"torch", "TTS", "vllm"}
_WORD = re.compile(r"\w+")
_FUNCTIONS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


def compiled_patterns() -> dict[str, re.Pattern[str]]:
    """Name -> pattern, each pattern once. Bytes patterns are given as text."""
    found: dict[tuple[str, int], tuple[str, re.Pattern[str]]] = {}
    for module in _modules():
        for name, value in vars(module).items():
            if name.startswith("__"):
                continue
            for label, pattern in _patterns_in(value, f"{module.__name__}.{name}", module.__name__):
                text = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
                known = re.compile(text, pattern.flags & ~re.LOCALE)
                found.setdefault((text, pattern.flags), (label, known))
    return dict(sorted(found.values()))


@cache
def scans(name: str) -> bool:
    """Whether the pattern is searched for at every position of a text, and not only matched with its start. ``name`` is
    as in ``compiled_patterns``."""
    variable = name.rpartition(".")[2]
    if "[" in variable:
        return True
    users = [text for text, words in _sources() if variable in words]
    searched = re.compile(rf"\b{variable}\b(?!\.(?:full)?match\(| =|, [A-Z]|,$|\n)", re.MULTILINE)
    return not users or any(searched.search(text) for text in users)


@cache
def _sources() -> tuple[tuple[str, frozenset[str]], ...]:
    """Each source text with its words."""
    return tuple((file.text, frozenset(_WORD.findall(file.text))) for file in shipped_files())


def inline_patterns() -> list[str]:
    """Places that call a function of ``re`` with a pattern instead of a compiled one."""
    return [
        f"{file.name}:{node.lineno}"
        for file in shipped_files()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and is_call_of_re(node.func, _FUNCTIONS)
    ]


def is_call_of_re(function: ast.expr, names: set[str]) -> bool:
    """Whether a called expression is ``re.NAME`` with one of ``names``."""
    return (
        isinstance(function, ast.Attribute)
        and function.attr in names
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
    )


def _modules() -> Iterator[ModuleType]:
    for package in map(importlib.import_module, PACKAGES):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and ".migrations." not in found.name:
                yield from _module(found.name)


def _module(name: str) -> Iterator[ModuleType]:
    """The module, or none for one that needs a package of another environment; such a module has no patterns."""
    try:
        yield importlib.import_module(name)
    except ModuleNotFoundError as error:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        if error.name not in _OTHER_ENVIRONMENTS or "re.compile(" in Path(spec.origin).read_text():
            raise


def _patterns_in(value: object, label: str, module: str) -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"]]:
    if isinstance(value, re.Pattern):
        yield label, value
        return
    for name, each in _parts(value, module):
        yield from _patterns_in(each, f"{label}{name}", module)


def _parts(value: object, module: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, tuple | list | set | frozenset):
        yield from ((f"[{number}]", each) for number, each in enumerate(value))
    elif isinstance(value, type) and value.__module__ == module:
        yield from ((f".{name}", each) for name, each in vars(value).items() if not name.startswith("__"))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((f".{field.name}", getattr(value, field.name, None)) for field in fields(value))
