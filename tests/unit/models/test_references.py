"""Model references in engine options."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import ModelMissing
from deployments.models.catalogue import Catalogue, CatalogueModel
from deployments.models.references import describe_models, referenced_model_ids, resolve_options, resolve_references
from deployments.models.store import InstalledFile, ModelManifest, ModelStore

OPTIONS: dict[str, JsonValue] = {
    "model": "model://recognizer/small.bin",
    "models": ["model://voice", "plain/path", 7],
    "nested": {"deep": ["model://voice", None, True]},
    "threads": 2,
}


def install(root: Path, model_id: str, revision: str = "r1") -> Path:
    """Writes an installed model with a manifest."""
    folder = root / model_id
    folder.mkdir(parents=True)
    (folder / "small.bin").write_bytes(b"weights")
    manifest = ModelManifest.model_validate(
        {
            "id": model_id,
            "revision": revision,
            "source": "package",
            "files": [InstalledFile(path="small.bin", size=7, sha256="0" * 64)],
            "installed_at": "2026-11-23T00:00:00Z",
        }
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def test_referenced_ids_are_found_at_any_depth() -> None:
    assert list(referenced_model_ids(OPTIONS)) == ["recognizer", "voice", "voice"]
    assert list(referenced_model_ids("not a reference")) == []
    assert list(referenced_model_ids(None)) == []


def test_references_are_replaced_with_paths(tmp_path: Path) -> None:
    recognizer, voice = install(tmp_path, "recognizer"), install(tmp_path, "voice")
    assert resolve_references(OPTIONS, ModelStore(tmp_path)) == {
        "model": str(recognizer / "small.bin"),
        "models": [str(voice), "plain/path", 7],
        "nested": {"deep": [str(voice), None, True]},
        "threads": 2,
    }


def test_missing_reference_names_the_pull_command(tmp_path: Path) -> None:
    install(tmp_path, "recognizer")
    with pytest.raises(ModelMissing) as caught:
        resolve_options(OPTIONS, tmp_path)
    assert caught.value.remedy == secretary_command("models pull voice")
    assert not caught.value.retryable
    assert str(tmp_path) in caught.value.message


def test_incomplete_model_is_missing(tmp_path: Path) -> None:
    (install(tmp_path, "recognizer") / "small.bin").write_bytes(b"half")
    with pytest.raises(ModelMissing):
        resolve_options({"model": "model://recognizer"}, tmp_path)


def test_model_id_defaults_to_the_only_reference(tmp_path: Path) -> None:
    folder = install(tmp_path, "recognizer")
    assert resolve_options({"model": "model://recognizer"}, tmp_path) == {
        "model_id": "recognizer",
        "model": str(folder),
    }
    named: dict[str, JsonValue] = {"model": "model://recognizer", "model_id": "mine"}
    assert resolve_options(named, tmp_path)["model_id"] == "mine"
    install(tmp_path, "voice")
    assert "model_id" not in resolve_options(OPTIONS, tmp_path)
    assert resolve_options({"threads": 2}, tmp_path) == {"threads": 2}


def test_describe_models_returns_ids_and_revisions(tmp_path: Path) -> None:
    assert describe_models(OPTIONS, tmp_path) == ("recognizer, voice", "")
    install(tmp_path, "recognizer", "r7")
    assert describe_models(OPTIONS, tmp_path) == ("recognizer, voice", "r7")
    install(tmp_path, "voice", "r8")
    assert describe_models(OPTIONS, tmp_path) == ("recognizer, voice", "r7, r8")
    assert describe_models({}, tmp_path) == ("", "")


@pytest.mark.parametrize("reference", ["model://../other", "model://.partial/x"])
def test_reference_with_unsafe_path_is_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ValueError, match="not a model id"):
        resolve_options({"model": reference}, tmp_path)


def test_reference_to_copied_files_is_resolved(tmp_path: Path) -> None:
    model = CatalogueModel.model_validate(
        {
            "id": "recognizer",
            "kind": "recognition",
            "languages": ["en"],
            "licence": "MIT",
            "size": 7,
            "description": "for tests",
            "revision": "r1",
            "files": [{"path": "small.bin", "size": 7}],
            "sources": [{"hf": {"repo": "a/b"}}],
        }
    )
    (tmp_path / "recognizer").mkdir()
    (tmp_path / "recognizer" / "small.bin").write_bytes(b"weights")
    store = ModelStore(tmp_path, Catalogue(models=(model,)))
    assert resolve_references({"model": "model://recognizer"}, store) == {"model": str(tmp_path / "recognizer")}
