"""Where a process of the secretary writes what happened: one file per deployment in the data folder, rotated."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

_ROOTS = ("deployments", "bots", "ui", "storage", "proxies")
_BYTES, _BACKUPS = 10 << 20, 3
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"


def open_log(directory: Path, name: str) -> None:
    """Sends this process's INFO lines to ``<directory>/<name>.log``. Harmless when called again."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / f"{name}.log"
    handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_BACKUPS, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_FORMAT))
    for root in _ROOTS:
        logger = logging.getLogger(root)
        if not any(isinstance(h, RotatingFileHandler) for h in logger.handlers):
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
