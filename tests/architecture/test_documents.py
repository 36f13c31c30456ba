"""Documents say what is so: commands, options, variables, files, names and settings in them exist."""

import re
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from deployments.administration.bots.buttons import ButtonDraft
from deployments.administration.bots.service import BotDraft
from deployments.administration.widgets.service import WidgetDraft
from deployments.api.admin.request_bodies import LEGACY_FIELD_NAMES
from deployments.command.graph import BUILDER_ARGUMENTS
from deployments.command.main import app
from deployments.command.settings_reference import APPLICATION_ARGUMENTS, settings_reference
from deployments.contracts.settings import Settings
from storage.environment import Environment
from tests.architecture.documents import LINK, anchors, code_in, documents, known_names, prose
from tests.architecture.source_files import ROOT

every_document = pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
ABOUT_CODE = [p for p in documents() if p.parent.name == "adr" or p.name in ("tour.md", "architecture.md")]
CONSOLE = typer.main.get_command(app)


def test_the_page_of_settings_is_fresh() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_reference(), "run: python -m deployments.command.settings_reference > docs/settings.md"


def test_the_page_of_settings_knows_every_application() -> None:
    assert set(APPLICATION_ARGUMENTS.values()) == set(BUILDER_ARGUMENTS.values())


def test_every_live_setting_and_variable_is_described() -> None:
    groups = [field.annotation for field in Settings.model_fields.values() if hasattr(field.annotation, "model_fields")]
    models = [Environment, *groups]
    plain = {n: f for n, f in Settings.model_fields.items() if f.annotation not in groups}
    fields = [plain, *(model.model_fields for model in models)]
    assert [name for these in fields for name, field in these.items() if not field.description] == []


@pytest.mark.parametrize(
    ("draft", "heading"), [(BotDraft, "A bot"), (ButtonDraft, "Action buttons"), (WidgetDraft, "A widget")]
)
def test_the_page_of_bots_names_every_field_and_no_other(draft: type[BaseModel], heading: str) -> None:
    page = prose(ROOT / "docs" / "bots.md")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named - {"bot_token", *LEGACY_FIELD_NAMES} == set(draft.model_fields)


@every_document
def test_every_command_and_option_exists(path: Path) -> None:
    for line in code_in(path):
        if line.startswith("secretary "):
            _check_command(re.split(r"  +|#", line.removeprefix("secretary "))[0])


def _check_command(text: str) -> None:
    """``models list | pull ID`` names two commands of one group."""
    group = CONSOLE
    for alternative in text.split("|"):
        command = group
        for word in alternative.split():
            inner = getattr(command, "commands", {})
            if word in inner:
                group, command = command, inner[word]
        assert command is not CONSOLE, f"there is no command: secretary {text}"
        options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)} | {"--help"}
        assert set(re.findall(r"--[a-z-]+", alternative)) <= options, f"no such option: secretary {text}"


@every_document
def test_every_variable_is_one_of_the_environment(path: Path) -> None:
    named = set(re.findall(r"SECRETARY_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
    assert named <= {f"SECRETARY_{name.upper()}" for name in Environment.model_fields}


@every_document
def test_every_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {found[1] for line in code_in(path) if (found := re.match(r"make ([a-z-]+)", line))}
    assert named <= targets


@every_document
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in LINK.findall(prose(path)):
        if not re.match(r"https?://", link):
            target, _, anchor = link.partition("#")
            page = (path.parent / target).resolve() if target else path
            assert page.exists(), f"{link} is not there"
            assert not anchor or anchor in anchors(page), f"{link} has no such heading"


def test_the_readme_gives_the_defaults_of_the_code() -> None:
    fields, readme = Environment.model_fields, (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`./{fields['data'].default}`" in readme
    assert f"`{fields['host'].default}`, `{fields['port'].default}`" in readme


def test_the_makefile_names_files_that_exist() -> None:
    named = re.findall(r"\b([\w-]+\.(?:txt|toml|yaml))\b", (ROOT / "Makefile").read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", ABOUT_CODE, ids=lambda path: path.name)
def test_every_file_and_name_of_the_tour_exists(path: Path) -> None:
    for code in code_of_prose(path):
        if "/" in code or re.search(r"\.(py|yaml|md|toml)$", code):
            _check_file(code)
        else:
            for name in re.findall(r"[A-Za-z_]\w+", code):
                assert name in known_names() or name in NOT_OURS, f"{code}: nothing is called {name}"


def code_of_prose(path: Path) -> list[str]:
    """Inline code that names a thing of ours: one word, perhaps dotted or called, or a path."""
    plain = re.compile(r"[\w./{},*-]+(\(\))?")
    inline = re.findall(r"`([^`\n]+)`", prose(path))
    return [code for code in inline if plain.fullmatch(code) and not ELSEWHERE.match(code)]


def _check_file(code: str) -> None:
    for name in _expanded(code):
        found = [place for base in ("", "deployments/") for place in ROOT.glob(base + name.rstrip("/"))]
        assert found, f"there is no file {name}"


def _expanded(code: str) -> list[str]:
    """``storage/{work,database}.py`` -> both."""
    braces = re.search(r"\{([^}]*)\}", code)
    return [code.replace(braces[0], part) for part in braces[1].split(",")] if braces else [code]


ELSEWHERE = re.compile(r"/|https?:|x-|ws:|SECRETARY_|RAY_|\d|[\w-]+/$|run/|models/|secretary\.")
"""Addresses, variables, numbers and files of the data folder: checked by other tests, or not of the code."""
NOT_OURS = frozenset({"sed", "ray", "serve", "pip", "flock", "browser", "model", "user_config"})
