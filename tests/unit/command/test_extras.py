"""Extras that ``make run`` adds, and commands that messages tell people to type."""

import re
import subprocess
import tomllib
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from deployments.arguments import SecretaryArgs
from deployments.command.extras import missing_extras
from deployments.command.main import app
from deployments.contracts.commands import PROJECT_FOLDER, install_command, secretary_command
from deployments.engines.registry import BUILT_IN_ENGINES
from storage.environment import Environment

CODE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def nothing_installed(package: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("variables", "arguments", "is_installed", "extras"),
    [
        ({}, {"chats": [{"engine": "echo"}]}, nothing_installed, ()),
        ({"database_url": "postgres://a:b@h/x"}, {}, nothing_installed, ("postgres",)),
        ({"redis_url": "redis://h"}, {}, nothing_installed, ("redis",)),
        (
            {},
            {"voices": [{"engines": [{"engine": "xtts"}, {"engine": "piper"}]}]},
            lambda package: package == "piper",
            ("xtts",),
        ),
        ({}, {"chats": [{"engine": "vllm"}, {"name": "second", "engine": "vllm"}]}, nothing_installed, ("vllm",)),
    ],
)
def test_missing_extras(variables: dict, arguments: dict, is_installed: Callable[[str], bool], extras: tuple) -> None:
    environment = Environment(_env_file=None, **variables)
    assert missing_extras(environment, SecretaryArgs.model_validate(arguments), is_installed) == extras


def test_install_command_names_extra_of_package() -> None:
    known = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {each.extra for kind in BUILT_IN_ENGINES.values() for each in kind.values() if each.extra}
    for extra in named | {"postgres", "redis", "cloud", "vosk"}:
        assert extra in known
    command = install_command("postgres,redis")
    shown = subprocess.run([*command.split(), "-n"], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True)
    assert "-e '.[postgres,redis]'" in shown.stdout


def test_secretary_command_runs_in_project_folder() -> None:
    done = subprocess.run(
        secretary_command("models list --help"), shell=True, cwd=PROJECT_FOLDER, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", ["up", "down", "status", "models pull", "models list", "proxies install", "backup", "restore"]
)
def test_commands_of_messages_exist(command: str) -> None:
    assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


def test_russian_readme_has_commands_of_english_one() -> None:
    english, russian = (CODE.findall((PROJECT_FOLDER / name).read_text()) for name in ("README.md", "README.ru.md"))
    assert russian
    assert [code for code in russian if code not in english] == []
