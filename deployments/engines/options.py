"""Base class of engine options, and the check that model files exist."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import ModelMissing
from deployments.contracts.frozen_model import Language
from deployments.models.catalogue import load_catalogue

PULL_COMMAND = secretary_command("models pull")
LIST_COMMAND = secretary_command("models list")


class EngineOptions(BaseModel):
    """Base class of every engine's ``Options``. Instances are frozen; an unknown option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_id: str = Field(default="", description="Name of the model in replies and status; default: its file name")


class ChatEngineOptions(EngineOptions):
    """Base class of the options of chat engines."""

    languages: tuple[Language, ...] | None = Field(
        default=None, description="Languages that the model speaks, [mul] for many; default: those of the catalogue"
    )


def require_path(path: Path, what: str, model_id: str = "") -> Path:
    """Returns ``path`` if it exists, else raises ModelMissing.

    The error names the command that pulls the model if ``model_id`` or a folder of ``path`` is an id of the catalogue.
    ``what`` names the file in the message.
    """
    if path.exists():
        return path
    known = {model.id for model in load_catalogue().models}
    catalogue_id = next((name for name in (model_id, *reversed(path.parts)) if name in known), None)
    if catalogue_id is None:
        advice = f"put it there, or name a model of `{LIST_COMMAND}` as model://<id>"
        raise ModelMissing(f"{what} is missing: {path} does not exist; {advice}")
    remedy = f"{PULL_COMMAND} {catalogue_id}"
    raise ModelMissing(f"{what} is missing: {path} does not exist; run: {remedy}", remedy=remedy)
