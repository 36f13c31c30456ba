"""The engine and the options that host another model in a deployment: its start flags from the catalogue, else those
of the deployment."""

from pathlib import Path

from pydantic import JsonValue

from deployments.contracts.errors import Conflict, NotFound
from deployments.models.catalogue import CatalogueModel, load_catalogue
from deployments.models.references import SCHEME
from deployments.models.store import ModelStore

EngineOptionsOfModel = tuple[str, dict[str, JsonValue]]

_GGUF_ENGINE, _FOLDER_ENGINE = "llama_cpp", "vllm"
_OPTIONS_OF_MODEL = frozenset(
    ("model", "model_id", "languages", "adapters", "quantization", "dtype", "served_name", "tool_parser")
)
_OPTIONS_OF_MACHINE = frozenset(("tensor_parallel_size", "distributed_executor_backend", "sleep_level"))


def start_options(engine: str, options: dict[str, JsonValue], model_id: str, store: ModelStore) -> EngineOptionsOfModel:
    """The engine and its options for ``model_id`` in a deployment whose graph says ``engine`` and ``options``.

    Start flags replace the options of the graph, except those that describe the machine. Without start flags, a GGUF
    file goes to llama.cpp and a folder of weights to vLLM, with the options of the graph if that is its engine. Raises
    Conflict for a model that no chat engine can host.
    """
    model = next((each for each in load_catalogue().models if each.id == model_id), None)
    if model is not None and model.kind != "chat":
        raise Conflict(f"{model_id} is a {model.kind} model, not a language model", param="model")
    reference = f"{SCHEME}{model_id}"
    if model is not None and model.start is not None:
        kept = {key: value for key, value in options.items() if key in _OPTIONS_OF_MACHINE}
        same_engine = model.start.engine == engine
        return model.start.engine, {**model.start.options, **(kept if same_engine else {}), "model": reference}
    file = _gguf_file(model, model_id, store)
    found = _GGUF_ENGINE if file else _FOLDER_ENGINE if _has_weights(store.directory(model_id)) else ""
    if not found:
        raise Conflict(
            f"{model_id} has neither a GGUF file nor a folder of safetensors with config.json", param="model"
        )
    kept = {key: value for key, value in options.items() if key not in _OPTIONS_OF_MODEL} if found == engine else {}
    return found, {**kept, "model": f"{reference}/{file}" if file else reference}


def installed_start_options(
    engine: str, options: dict[str, JsonValue], model_id: str, store: ModelStore
) -> EngineOptionsOfModel:
    """``start_options`` of a model that has to be installed. Raises ModelMissing, NotFound and Conflict."""
    try:
        store.installed_directory(model_id)
    except ValueError as error:
        raise NotFound(str(error)) from None
    return start_options(engine, options, model_id, store)


def _gguf_file(model: CatalogueModel | None, model_id: str, store: ModelStore) -> str:
    """The first GGUF file, of a split model its first part."""
    listed = [file.path for file in model.files] if model is not None else []
    present = [path.name for path in store.directory(model_id).glob("*.gguf")]
    return next((name for name in sorted(present or listed) if name.endswith(".gguf")), "")


def _has_weights(folder: Path) -> bool:
    weights = (*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin"))
    return (folder / "config.json").is_file() and bool(weights)
