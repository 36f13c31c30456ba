"""No regular expression takes more than linear time.

Pydantic's ``pattern=`` is not among them: its engine (Rust's ``regex``) is linear by construction.
"""

import ast
import re
from itertools import islice

import pytest

from deployments.text.normalizer import MAX_NORMALIZED_CHARS
from tests.architecture.source_files import shipped_files
from tests.hostile.attack_strings import attack_strings
from tests.hostile.cpu_limit import TooSlow, cpu_seconds
from tests.hostile.own_patterns import compiled_patterns, inline_patterns, is_call_of_re, scans

PATTERNS = compiled_patterns()
_SCREENED_CHARS = 1_500
_MAX_SCREENING_S = 0.1
_LENGTHS = (10_000, 100_000)
_MAX_S = 1.0
"""For 100,000 characters: 10 µs each. A quadratic pattern needs several seconds at least."""
_BUILT_IN_FUNCTIONS = {"deployments/text/normalizer.py": "_signs_pattern", "deployments/text/rewriting.py": "rewrite"}
"""The first makes a class of single characters; the results of the second are in PATTERNS."""


def _seconds(name: str, pattern: re.Pattern[str], text: str, limit_s: float) -> float:
    try:
        whole = cpu_seconds(lambda: pattern.fullmatch(text), limit_s)
        return max(whole, cpu_seconds(lambda: pattern.sub("", text), limit_s) if scans(name) else 0.0)
    except TooSlow:
        return limit_s


def _slow_text(name: str, pattern: re.Pattern[str]) -> str:
    """A text on which ``pattern`` is not linear, or nothing. The texts that take longest are tried at full length."""
    screened: list[tuple[float, int]] = []
    for number, short in enumerate(attack_strings(pattern.pattern, pattern.flags, _SCREENED_CHARS)):
        screened.append((_seconds(name, pattern, short, _MAX_SCREENING_S), number))
        if screened[-1][0] >= _MAX_SCREENING_S:
            break
    for _, number in sorted(screened, reverse=True)[:2]:
        for length in (_SCREENED_CHARS, *_LENGTHS):
            text = next(islice(attack_strings(pattern.pattern, pattern.flags, length), number, None))
            if _seconds(name, pattern, text, _MAX_S) >= _MAX_S:
                return f"{text[:40]!r}... {len(text)} characters"
    return ""


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_takes_linear_time(name: str) -> None:
    assert _slow_text(name, PATTERNS[name]) == ""


@pytest.mark.parametrize(
    ("pattern", "scanned"),
    [
        (r"/(?:[\w-]+/?)*", False),  # exponential
        (r"(a|aa)+$", False),
        (r"^[\s|-]*-{2,}[\s|-]*$", False),  # quadratic
        (r"<([^<>\s]+[.@][^<>\s]+)>", True),
        (r"\s+,", True),
        (r"(\*{1,3}|`+)(?=\S)(.+?)(?<=\S)\1", True),
        (r"[a-z]+://", True),
    ],
)
def test_slow_pattern_is_found(pattern: str, scanned: bool) -> None:
    name = "any.PATTERN" if scanned else "deployments.answers.templates._MATCHED"
    assert _slow_text(name, re.compile(pattern)) != ""


def test_every_pattern_is_compiled_once_and_known() -> None:
    assert inline_patterns() == []
    inside = {
        (file.name, function.name)
        for file in shipped_files()
        for function in ast.walk(file.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and is_call_of_re(node.func, {"compile"})
    }
    assert inside == set(_BUILT_IN_FUNCTIONS.items())
    assert MAX_NORMALIZED_CHARS <= 300


def test_pydantic_uses_its_linear_engine() -> None:
    assert not [file.name for file in shipped_files() if "python-re" in file.text]
