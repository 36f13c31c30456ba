"""The graph as its replicas start on this machine: with the models to which local deployments were switched."""

from dataclasses import dataclass
from pathlib import Path

from deployments.arguments import ChatArgs, SecretaryArgs
from deployments.contracts.errors import SecretaryError
from deployments.models.hosted_model_file import HostedModelFile, hosted_models_folder
from deployments.models.start_options import installed_start_options
from deployments.models.store import ModelStore


@dataclass(frozen=True, slots=True)
class SwitchedModel:
    """``model`` is hosted instead of that of the graph. With a ``problem`` it is not: the replica then starts with the
    model of the graph."""

    deployment: str
    model: str
    problem: str = ""


def with_switched_models(
    arguments: SecretaryArgs, run_dir: Path, store: ModelStore
) -> tuple[SecretaryArgs, tuple[SwitchedModel, ...]]:
    """``arguments`` with the engine and the options of each remembered model, and the models that are remembered."""
    chats, switched = [], []
    for chat in arguments.chats:
        model = HostedModelFile(hosted_models_folder(run_dir), chat.name).read()
        found, problem = _switched(chat, model, store) if model else (chat, "")
        chats.append(found)
        if model:
            switched.append(SwitchedModel(chat.name, model, problem))
    return arguments.model_copy(update={"chats": tuple(chats)}), tuple(switched)


def _switched(chat: ChatArgs, model: str, store: ModelStore) -> tuple[ChatArgs, str]:
    try:
        engine, options = installed_start_options(chat.engine, chat.options, model, store)
    except SecretaryError as error:
        return chat, error.message
    return chat.model_copy(update={"engine": engine, "options": options}), ""
