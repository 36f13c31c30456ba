"""Commands that messages tell people to type: they work in the folder of a clone, and in other installations."""

import shutil
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import orjson

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
_PACKAGE = "ai-secretary"


def secretary_command(arguments: str) -> str:
    """``secretary ARGUMENTS`` as it can be typed: in a clone whose environment is not on the PATH, with the path of the
    program relative to the clone, for example ".venv/bin/secretary status"."""
    return f"{_program()} {arguments}"


def install_command(extra: str) -> str:
    """The command that installs an extra of the package, such as "redis" or "vllm".

    Outside of a clone pip gets the origin of this installation (PEP 610): no package index is asked for the name.
    """
    if _is_clone():
        return f"make install EXTRA={extra}"
    origin = _origin()
    return f"{sys.executable} -m pip install '{_PACKAGE}[{extra}]{f' @ {origin}' if origin else ''}'"


@cache
def _program() -> str:
    program = Path(sys.executable).parent / "secretary"
    if shutil.which("secretary") == str(program) or not program.exists():
        return "secretary"
    return str(program.relative_to(PROJECT_FOLDER)) if program.is_relative_to(PROJECT_FOLDER) else str(program)


def _is_clone() -> bool:
    return (PROJECT_FOLDER / "Makefile").is_file() and (PROJECT_FOLDER / "pyproject.toml").is_file()


def _origin() -> str:
    """Where this installation came from: a URL or a file; "" for a package of an index."""
    try:
        text = distribution(_PACKAGE).read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    found = orjson.loads(text) if text else {}
    url = str(found.get("url", ""))
    return f"git+{url}" if "vcs_info" in found and not url.startswith("git+") else url
