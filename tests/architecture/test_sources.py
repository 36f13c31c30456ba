"""House rules that a linter does not know. Each test names the files that break its rule."""

import ast
import re

import pytest

from tests.architecture.source_files import SourceFile, shipped_files

LONGEST, LONGEST_SHELL = 400, 250
MAY_IMPORT_RAY = re.compile(r"serve_app\.py|deployments/\w+\.py|bots/actor\.py")
MAY_PRINT = "deployments/command/"
ABSOLUTE_PATH = re.compile(r"(?<![\w:/.])/(?:work|tmp|home|root|opt|usr|var|mnt|Users)/")


def test_a_file_can_be_read_in_one_sitting() -> None:
    assert [f"{s.name}: {s.lines} lines" for s in shipped_files() if s.lines > LONGEST] == []


def test_a_file_beside_the_rooms_is_a_thin_shell() -> None:
    shells = [s for s in shipped_files() if re.fullmatch(r"deployments/\w+\.py", s.name)]
    assert [f"{s.name}: {s.lines} lines" for s in shells if s.lines > LONGEST_SHELL] == []


def test_a_module_says_what_it_is() -> None:
    spoken = (s for s in shipped_files() if s.text.strip())  # an empty __init__.py has nothing to say
    assert [s.name for s in spoken if not ast.get_docstring(s.tree)] == []


def test_only_deployments_and_the_bots_actor_know_ray() -> None:
    others = (s for s in shipped_files() if not MAY_IMPORT_RAY.fullmatch(s.name))
    assert [s.name for s in others if any(name == "ray" or name.startswith("ray.") for name in s.imports)] == []


def test_handles_are_called_in_one_place() -> None:
    callers = {s.name for s in shipped_files() if any(_is_remote(node) for node in ast.walk(s.tree))}
    assert callers == {"deployments/remote.py", "bots/actor.py"}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Staff", "deployments/wiring.py"),
        ("Timed", "deployments/wiring.py"),
        ("Ranking", "deployments/conversation/faq_answers.py"),
        ("Web", "deployments/models/web_access.py"),
    ],
)
def test_what_the_probes_of_settings_use_is_what_doors_use(name: str, place: str) -> None:
    """There is one place that puts it together, so that a probe cannot look at another."""
    assert {s.name for s in shipped_files() if any(_makes(node, name) for node in ast.walk(s.tree))} <= {place}


def test_only_the_console_prints() -> None:
    assert [s.name for s in shipped_files() if _prints(s) and not s.name.startswith(MAY_PRINT)] == []


def test_no_path_of_one_machine_is_written_into_the_code() -> None:
    assert [(s.name, text) for s in shipped_files() for text in s.strings if ABSOLUTE_PATH.search(text)] == []
    assert ABSOLUTE_PATH.search("put it into /tmp/secretary")
    assert not ABSOLUTE_PATH.search("https://example.org/home/page")


def _is_remote(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "remote"


def _makes(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _prints(source: SourceFile) -> bool:
    calls = (node.func for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Name) and function.id == "print" for function in calls)
