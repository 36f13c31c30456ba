"""What an EngineHost loads: how an engine is built, which model it has, and when it may load."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from deployments.contracts.engines import Engine

E = TypeVar("E", bound=Engine)

LoadingTurn = Callable[[Callable[[str], None]], AbstractAsyncContextManager[None]]
"""A context that is held while an engine loads. Its argument gets a phrase that says what is waited for."""


@asynccontextmanager
async def load_at_once(on_wait: Callable[[str], None]) -> AsyncGenerator[None]:
    """The LoadingTurn of an engine that waits for nothing."""
    yield


@dataclass(frozen=True, slots=True)
class EngineSource(Generic[E]):
    """``build`` constructs the engine and may raise ModelMissing; it is called before each attempt to load.
    ``describe_model`` returns the id and the revision of the model; it reads the disk. ``languages`` are those of the
    model. ``turn`` may raise a SecretaryError."""

    engine_name: str
    build: Callable[[], E]
    describe_model: Callable[[], tuple[str, str]] = lambda: ("", "")
    languages: tuple[str, ...] = ()
    turn: LoadingTurn = load_at_once
