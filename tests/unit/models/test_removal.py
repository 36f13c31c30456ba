"""Removal of models, and the size of a model directory."""

import shutil
import threading
from pathlib import Path

import pytest

from deployments.models.removal import directory_bytes, model_directory_names, remove_model
from deployments.models.store import ModelStore


def test_directory_bytes_ignores_links(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "weights").write_bytes(b"12345")
    (folder / "data" / "more").write_bytes(b"123")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "large").write_bytes(b"1" * 100)
    (folder / "link").symlink_to(tmp_path / "elsewhere" / "large")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    assert directory_bytes(folder) == 8
    assert directory_bytes(tmp_path / "missing") == 0


def test_directory_bytes_ignores_deleted_files(tmp_path: Path) -> None:
    stop = threading.Event()

    def create_and_delete() -> None:
        while not stop.is_set():
            folder = tmp_path / "partial" / "data"
            folder.mkdir(parents=True)
            for number in range(5):
                (folder / str(number)).touch()
            shutil.rmtree(tmp_path / "partial")

    thread = threading.Thread(target=create_and_delete)
    thread.start()
    try:
        assert {directory_bytes(tmp_path) for _ in range(500)} == {0}
    finally:
        stop.set()
        thread.join()


def test_recordings_of_voices_are_no_model(tmp_path: Path) -> None:
    (tmp_path / "voices" / "gulya").mkdir(parents=True)
    (tmp_path / "tiny").mkdir()
    assert model_directory_names(ModelStore(tmp_path)) == ("tiny",)
    with pytest.raises(KeyError):
        remove_model(ModelStore(tmp_path), "voices")
    assert (tmp_path / "voices" / "gulya").exists()
