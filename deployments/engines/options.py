"""What every engine's options and status have in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from deployments.contracts.errors import ModelMissing, SecretaryError, Unavailable
from deployments.contracts.speech import EngineStatus
from deployments.models.catalogue import load_catalogue

PULL_COMMAND = "secretary models pull"
LIST_COMMAND = "secretary models list"


class EngineOptions(BaseModel):
    """Base of every engine's ``Options``: frozen, and a misspelt option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_id: str = Field(default="", description="Name of the model in replies and status; default: its file name")


def require_path(path: Path, what: str, model_id: str = "") -> Path:
    """``path`` if it exists. Raises ModelMissing naming the command that brings the weights.

    Which model that is says ``model_id`` or, as weights lie in ``<models>/<id>``, a folder of ``path``. A path of
    weights that the catalogue does not have has no such command: then the message says what to do.
    """
    if path.exists():
        return path
    known = {model.id for model in load_catalogue().models}
    wanted = next((name for name in (model_id, *reversed(path.parts)) if name in known), None)
    if wanted is None:
        advice = f"put it there, or name a model of `{LIST_COMMAND}` as model://<id>"
        raise ModelMissing(f"{what} is missing: {path} does not exist; {advice}")
    remedy = f"{PULL_COMMAND} {wanted}"
    raise ModelMissing(f"{what} is missing: {path} does not exist; run: {remedy}", remedy=remedy)


class EngineHealth:
    """Remembers whether an engine's last start succeeded, and words it as an EngineStatus."""

    def __init__(self, kind: str, engine: str, model: str = "") -> None:
        self._kind = kind
        self._engine = engine
        self._model = model
        self._ready = False
        self._error = "not started"
        self._remedy = ""

    @property
    def ready(self) -> bool:
        return self._ready

    @asynccontextmanager
    async def track_start(self) -> AsyncIterator[None]:
        """Around the body of ``start``: a failure is kept for ``status`` and raised on."""
        try:
            yield
        except SecretaryError as error:
            self._error = error.message
            self._remedy = error.remedy
            raise
        self._ready, self._error, self._remedy = True, "", ""

    def mark_stopped(self) -> None:
        self._ready, self._error = False, "stopped"

    def require_ready(self) -> None:
        """Raises Unavailable unless ``start`` succeeded and ``stop`` was not called since."""
        if not self._ready:
            raise Unavailable(f"{self._kind} engine {self._engine} is not ready: {self._error}")

    def status(self, live_streams: int = 0, **detail: str) -> EngineStatus:
        """``live`` is the number of streams whose work goes on at this moment; it is shown as ``detail["live"]``."""
        return EngineStatus(
            name=self._engine,
            kind=self._kind,
            engine=self._engine,
            ready=self._ready,
            model=self._model,
            error=self._error,
            remedy=self._remedy,
            detail={"live": str(live_streams), **detail},
        )
