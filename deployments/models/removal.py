"""Removes models from the model directory and lists its directories."""

import os
import shutil
import stat
from pathlib import Path

from deployments.models.model_pull import lock_model
from deployments.models.store import VOICE_FOLDER, ModelStore


def remove_model(store: ModelStore, model_id: str) -> int:
    """Deletes a model and its unfinished pull. Returns the number of bytes freed.

    The model is renamed before its files are deleted. Raises KeyError if it does not exist, PullBusy while it is
    pulled, ValueError for an invalid id.
    """
    directory, partial = store.directory(model_id), store.partial_directory(model_id)
    if model_id == VOICE_FOLDER or directory.is_symlink() or not (directory.is_dir() or partial.is_dir()):
        raise KeyError(model_id)
    with lock_model(partial, model_id):
        freed = directory_bytes(directory) + directory_bytes(partial)
        if directory.is_dir():
            directory.rename(partial / "removed")
        shutil.rmtree(partial)
    return freed


def directory_bytes(directory: Path) -> int:
    """The size of all regular files in ``directory``; 0 if it does not exist. Links are not followed."""
    return sum(_file_bytes(os.path.join(folder, name)) for folder, _, names in os.walk(directory) for name in names)


def _file_bytes(path: str) -> int:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def model_directory_names(store: ModelStore) -> tuple[str, ...]:
    """The sorted names of the directories in the store, in the catalogue or not."""
    if not store.root.is_dir():
        return ()
    folders = (path for path in store.root.iterdir() if path.is_dir() and not path.is_symlink())
    return tuple(sorted(path.name for path in folders if not path.name.startswith(".") and path.name != VOICE_FOLDER))
