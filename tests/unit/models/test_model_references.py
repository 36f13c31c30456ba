"""``model://`` in engine options: found, replaced by paths, and missed with the command that helps."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.contracts.errors import ModelMissing
from deployments.models.catalogue import Catalogue, CatalogueModel
from deployments.models.references import describe_models, referenced_model_ids, resolve_options, resolve_references
from deployments.models.store import InstalledFile, ModelManifest, ModelStore

OPTIONS: dict[str, JsonValue] = {
    "model": "model://ear/small.bin",
    "models": ["model://voice", "plain/path", 7],
    "nested": {"deep": ["model://voice", None, True]},
    "threads": 2,
}


def install(root: Path, model_id: str, revision: str = "r1") -> Path:
    """What a pull leaves behind."""
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


def test_references_are_found_at_any_depth_in_order() -> None:
    assert list(referenced_model_ids(OPTIONS)) == ["ear", "voice", "voice"]
    assert list(referenced_model_ids("not a reference")) == []
    assert list(referenced_model_ids(None)) == []


def test_references_become_paths_and_everything_else_stays(tmp_path: Path) -> None:
    ear, voice = install(tmp_path, "ear"), install(tmp_path, "voice")
    assert resolve_references(OPTIONS, ModelStore(tmp_path)) == {
        "model": str(ear / "small.bin"),
        "models": [str(voice), "plain/path", 7],
        "nested": {"deep": [str(voice), None, True]},
        "threads": 2,
    }


def test_missing_weights_name_the_command_that_brings_them(tmp_path: Path) -> None:
    install(tmp_path, "ear")
    with pytest.raises(ModelMissing) as caught:
        resolve_options(OPTIONS, tmp_path)
    assert caught.value.remedy == "secretary models pull voice"
    assert not caught.value.retryable
    assert str(tmp_path) in caught.value.message


def test_half_a_model_counts_as_missing(tmp_path: Path) -> None:
    (install(tmp_path, "ear") / "small.bin").write_bytes(b"half")
    with pytest.raises(ModelMissing):
        resolve_options({"model": "model://ear"}, tmp_path)


def test_an_engine_is_called_after_its_only_model_unless_it_has_a_name(tmp_path: Path) -> None:
    folder = install(tmp_path, "ear")
    assert resolve_options({"model": "model://ear"}, tmp_path) == {"model_id": "ear", "model": str(folder)}
    named: dict[str, JsonValue] = {"model": "model://ear", "model_id": "mine"}
    assert resolve_options(named, tmp_path)["model_id"] == "mine"
    install(tmp_path, "voice")
    assert "model_id" not in resolve_options(OPTIONS, tmp_path)
    assert resolve_options({"threads": 2}, tmp_path) == {"threads": 2}


def test_a_status_shows_ids_and_revisions_of_what_is_installed(tmp_path: Path) -> None:
    assert describe_models(OPTIONS, tmp_path) == ("ear, voice", "")
    install(tmp_path, "ear", "r7")
    assert describe_models(OPTIONS, tmp_path) == ("ear, voice", "r7")
    install(tmp_path, "voice", "r8")
    assert describe_models(OPTIONS, tmp_path) == ("ear, voice", "r7, r8")
    assert describe_models({}, tmp_path) == ("", "")


@pytest.mark.parametrize("reference", ["model://../other", "model://.partial/x"])
def test_a_reference_cannot_leave_the_store(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ValueError, match="not a model id"):
        resolve_options({"model": reference}, tmp_path)


def test_files_copied_by_hand_are_found_when_the_catalogue_knows_them(tmp_path: Path) -> None:
    model = CatalogueModel.model_validate(
        {
            "id": "ear",
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
    (tmp_path / "ear").mkdir()
    (tmp_path / "ear" / "small.bin").write_bytes(b"weights")
    store = ModelStore(tmp_path, Catalogue(models=(model,)))
    assert resolve_references({"model": "model://ear"}, store) == {"model": str(tmp_path / "ear")}
