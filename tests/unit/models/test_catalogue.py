"""The built-in catalogue, its validation, and the commands that show it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from deployments.command.model_commands import app
from deployments.contracts.errors import ModelMissing
from deployments.models.catalogue import ModelFile, load_catalogue
from deployments.models.store import ModelStore
from tests.unit.models.sample_model import make_model

run = CliRunner()


def test_demo_models_are_pinned_packages() -> None:
    demo = load_catalogue().demo_models()
    assert {m.kind for m in demo} == {"chat", "speech", "recognition"}
    assert all(m.pinned and m.sources[0].name == "package" for m in demo)
    assert all(sum(f.size or 0 for f in m.files) == m.size for m in demo)


def test_catalogue_urls_use_https() -> None:
    https = [s.https for m in load_catalogue().models for s in m.sources if s.https is not None]
    assert all(u.scheme == "https" for h in https for u in (h.archive, *h.urls.values()) if u is not None)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a\\b", "./a"])
def test_model_file_refuses_an_unsafe_path(path: str) -> None:
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
def test_invalid_source_is_refused(sources: list[object]) -> None:
    with pytest.raises(ValidationError):
        make_model(sources=sources)


def test_missing_model_names_the_pull_command(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="secretary models pull whisper-base"):
        ModelStore(tmp_path).installed_directory("whisper-base")


@pytest.mark.parametrize("model_id", ["../x", ".partial", "a/b"])
def test_store_refuses_an_unsafe_model_id(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(ValueError, match="not a model id"):
        ModelStore(tmp_path).installed_directory(model_id)


def test_list_command_prints_json_and_text(tmp_path: Path) -> None:
    rows = json.loads(run.invoke(app, ["list", "--json", "--directory", str(tmp_path)]).stdout)
    assert {r["id"] for r in rows} == {m.id for m in load_catalogue().models}
    assert not any(r["installed"] for r in rows)
    plain = run.invoke(app, ["list", "--directory", str(tmp_path)]).stdout
    assert "Not verified by a pinned hash" in plain
    assert run.invoke(app, ["list", "--installed", "--directory", str(tmp_path)]).stdout == ""


def test_pull_command_refuses_unknown_and_no_models(tmp_path: Path) -> None:
    unknown = run.invoke(app, ["pull", "gpt-9", "--directory", str(tmp_path)])
    assert unknown.exit_code == 2
    assert "whisper-base" in unknown.output
    assert run.invoke(app, ["pull", "--directory", str(tmp_path)]).exit_code == 2


def test_failed_pull_command_exits_with_one(tmp_path: Path) -> None:
    result = run.invoke(app, ["pull", "whisper-tiny", "--source", "package", "--directory", str(tmp_path)])
    assert result.exit_code == 1
    assert "whisper-tiny has no source package; it has hf" in result.output


def test_restricting_licence_must_be_accepted(tmp_path: Path) -> None:
    pull = ["pull", "xtts-v2", "--source", "package", "--directory", str(tmp_path)]
    refused = run.invoke(app, ["pull", "xtts-v2", "--directory", str(tmp_path)])
    assert refused.exit_code == 1
    assert "CPML" in refused.output
    assert "LICENSE.txt" in refused.output
    assert "secretary models pull xtts-v2 --accept-licence" in refused.output
    assert "has no source package" in run.invoke(app, [*pull, "--accept-licence"]).output


def test_non_commercial_licences_ask_for_acceptance() -> None:
    for model in load_catalogue().models:
        assert model.accept_licence or "non-commercial" not in model.licence.lower()
        assert bool(model.licence_url) or not model.accept_licence
