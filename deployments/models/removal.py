"""Taking a model off the disk, and what else lies in the store."""

import os
import shutil
import stat
from pathlib import Path

from deployments.models.model_pull import lock_model
from deployments.models.store import ModelStore


def remove_model(store: ModelStore, model_id: str) -> int:
    """Deletes a model and what an unfinished pull left of it; returns the bytes that are free again.

    The model vanishes in one rename before its files go. Raises KeyError when there is nothing of it, PullBusy while
    it is being pulled, ValueError for what is no model id.
    """
    directory, partial = store.directory(model_id), store.partial_directory(model_id)
    if directory.is_symlink() or not (directory.is_dir() or partial.is_dir()):
        raise KeyError(model_id)
    with lock_model(partial, model_id):
        freed = directory_bytes(directory) + directory_bytes(partial)
        if directory.is_dir():
            directory.rename(partial / "removed")
        shutil.rmtree(partial)
    return freed


def directory_bytes(directory: Path) -> int:
    """Bytes of all regular files below; links are not followed. 0 when there is no such directory. What goes or comes
    meanwhile may be counted or not."""
    return sum(_size(os.path.join(folder, name)) for folder, _, names in os.walk(directory) for name in names)


def _size(path: str) -> int:
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def model_directory_names(store: ModelStore) -> tuple[str, ...]:
    """Names of the directories in the store that could be models, known or not, by name."""
    if not store.root.is_dir():
        return ()
    folders = (path for path in store.root.iterdir() if path.is_dir() and not path.is_symlink())
    return tuple(sorted(path.name for path in folders if not path.name.startswith(".")))
