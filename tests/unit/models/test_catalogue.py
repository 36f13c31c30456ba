"""The catalogue that ships is sound, and the command shows it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from deployments.command.model_commands import app
from deployments.contracts.errors import ModelMissing
from deployments.models.catalogue import ModelFile, load_catalogue
from deployments.models.store import ModelStore
from tests.unit.models.conftest import make_model

run = CliRunner()


def test_every_file_of_the_demo_set_is_pinned_and_comes_as_a_package_first() -> None:
    demo = load_catalogue().demo_models()
    assert {m.kind for m in demo} == {"chat", "speech", "recognition"}
    assert all(m.pinned and m.sources[0].name == "package" for m in demo)
    assert all(sum(f.size or 0 for f in m.files) == m.size for m in demo)


def test_downloads_are_encrypted() -> None:
    https = [s.https for m in load_catalogue().models for s in m.sources if s.https is not None]
    assert all(u.scheme == "https" for h in https for u in (h.archive, *h.urls.values()) if u is not None)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a\\b", "./a"])
def test_a_path_that_could_leave_the_directory_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        ModelFile(path=path)


@pytest.mark.parametrize(
    "sources",
    [
        [],
        [{}],
        [{"hf": {"repo": "a/b"}, "https": {"urls": {"x": "https://example.org/x"}}}],
        [{"hf": {"repo": "a/b"}}],
        [{"package": {"requires": ["--target=x"], "files": {"x": ["y"]}}}],
        [{"https": {"urls": {"other": "https://example.org/x"}}}],
    ],
)
def test_a_source_that_could_not_work_is_refused_when_the_catalogue_is_read(sources: list[object]) -> None:
    with pytest.raises(ValidationError):
        make_model(sources=sources)


def test_a_missing_model_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="run: secretary models pull whisper-base"):
        ModelStore(tmp_path).installed_directory("whisper-base")


@pytest.mark.parametrize("model_id", ["../x", ".partial", "a/b"])
def test_a_model_id_cannot_leave_the_store(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(ValueError, match="not a model id"):
        ModelStore(tmp_path).installed_directory(model_id)


def test_list_is_readable_by_machines_and_people(tmp_path: Path) -> None:
    rows = json.loads(run.invoke(app, ["list", "--json", "--directory", str(tmp_path)]).stdout)
    assert {r["id"] for r in rows} == {m.id for m in load_catalogue().models}
    assert not any(r["installed"] for r in rows)
    plain = run.invoke(app, ["list", "--directory", str(tmp_path)]).stdout
    assert "Not verified by a pinned hash" in plain
    assert run.invoke(app, ["list", "--installed", "--directory", str(tmp_path)]).stdout == ""


def test_pull_refuses_unknown_models_and_empty_orders(tmp_path: Path) -> None:
    unknown = run.invoke(app, ["pull", "gpt-9", "--directory", str(tmp_path)])
    assert unknown.exit_code == 2
    assert "whisper-base" in unknown.output
    assert run.invoke(app, ["pull", "--directory", str(tmp_path)]).exit_code == 2


def test_a_failed_pull_says_why_and_exits_with_one(tmp_path: Path) -> None:
    result = run.invoke(app, ["pull", "whisper-tiny", "--source", "package", "--directory", str(tmp_path)])
    assert result.exit_code == 1
    assert "whisper-tiny has no source package; it has hf" in result.output
