"""What the last answers of an engine came to: failures since it last did its work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deployments.contracts.errors import EngineFailed, EngineTimeout, NoSound, SecretaryError


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """``at`` in Unix seconds."""

    message: str
    at: float


class FailureCounter:
    """``in_a_row`` counts failures since the last success, ``last`` is the newest of them.

    A wrong request or a client that went away says nothing about the engine. A text without sound is noted, but is
    no failure in a row: with three of them anybody could have a process replaced. ``clock`` gives Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self.last_failure: EngineFailure | None = None
        self.consecutive = 0

    @contextmanager
    def record_outcome(self) -> Iterator[None]:
        """Around the work for one answer."""
        try:
            yield
        except NoSound as error:
            self._note(error.message, in_a_row=0)
            raise
        except (EngineFailed, EngineTimeout) as error:
            self._note(error.message)
            raise
        except SecretaryError:
            raise
        except Exception as error:
            self._note(f"{type(error).__name__}; see the log")
            raise
        else:
            self.reset()

    def _note(self, message: str, in_a_row: int = 1) -> None:
        self.last_failure = EngineFailure(message, self._clock())
        self.consecutive += in_a_row
