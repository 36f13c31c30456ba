"""Counts the failures of an engine since its last success."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deployments.contracts.errors import EngineFailed, EngineTimeout, NoSound, SecretaryError


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """``at`` is in Unix seconds."""

    message: str
    at: float


class FailureCounter:
    """``consecutive`` is the number of failures since the last success, ``last_failure`` the newest of them.

    Invalid requests and closed connections are not failures of the engine. NoSound is stored as ``last_failure`` but
    not counted: otherwise three texts without sound would restart the process. ``clock`` returns Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self.last_failure: EngineFailure | None = None
        self.consecutive = 0

    @contextmanager
    def record_outcome(self) -> Iterator[None]:
        """Wraps the work for one request."""
        try:
            yield
        except NoSound as error:
            self._record(error.message, count=0)
            raise
        except (EngineFailed, EngineTimeout) as error:
            self._record(error.message)
            raise
        except SecretaryError:
            raise
        except Exception as error:
            self._record(f"{type(error).__name__}; see the log")
            raise
        else:
            self.reset()

    def _record(self, message: str, count: int = 1) -> None:
        self.last_failure = EngineFailure(message, self._clock())
        self.consecutive += count
