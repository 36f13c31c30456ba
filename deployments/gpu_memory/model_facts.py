"""The weights and the shape of the model that an engine option names: from its files, else from the catalogue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from deployments.gpu_memory.errors import InvalidHeader
from deployments.gpu_memory.gguf_header import GgufHeader, read_gguf_header
from deployments.gpu_memory.safetensors_header import read_tensor_bytes
from deployments.models.catalogue import CatalogueModel, load_catalogue
from deployments.models.model_shape import ModelShape
from deployments.models.references import SCHEME
from deployments.models.store import ModelStore

_MAX_CONFIG_BYTES = 1 << 20
_PICKLED_WEIGHTS = "pytorch_model*.bin"
_INSTALLED_WEIGHTS = ("*.safetensors", "*.gguf", _PICKLED_WEIGHTS, "*.bin", "*.pth", "*.onnx")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """``tensor_bytes`` maps data types to stored sizes; its key is empty where the types are unknown. ``layer_bytes``
    has the size of each layer of a GGUF file. ``shape`` is None when unknown. ``source`` says where the sizes are
    from."""

    tensor_bytes: dict[str, int]
    shape: ModelShape | None
    source: str
    quantised: bool = False
    layer_bytes: tuple[int, ...] = ()

    @property
    def weights(self) -> int:
        return sum(self.tensor_bytes.values())


def find_model_facts(option: str, store: ModelStore) -> ModelFacts | None:
    """Facts of ``option``: a ``model://`` reference or a path to a folder or a file. None for a model that is neither
    on this machine nor in the catalogue. Raises InvalidHeader for damaged files."""
    path = _path(option, store)
    try:
        if path is not None and path.exists():
            return _read_directory(path) if path.is_dir() else _read_file(path)
    except OSError as error:
        raise InvalidHeader(f"{path} cannot be read: {error.strerror}") from None
    model = _catalogue_model(option)
    if model is None:
        return None
    shape = model.shape
    return ModelFacts({"": model.size}, shape, f"catalogue ({model.id} is not downloaded)", model.quantised)


def _path(option: str, store: ModelStore) -> Path | None:
    if not option.startswith(SCHEME):
        return Path(option)
    model_id, _, file = option.removeprefix(SCHEME).partition("/")
    if not store.is_installed(model_id):
        return None
    return store.directory(model_id) / file if file else store.directory(model_id)


def _catalogue_model(option: str) -> CatalogueModel | None:
    model_id = option.removeprefix(SCHEME).partition("/")[0] if option.startswith(SCHEME) else ""
    return next((model for model in load_catalogue().models if model.id == model_id), None)


def _read_file(path: Path) -> ModelFacts:
    if path.suffix == ".gguf":
        return _gguf_facts([path, *_other_parts(path)])
    if path.suffix == ".safetensors":
        return ModelFacts(read_tensor_bytes(path), None, path.name)
    return ModelFacts({"": path.stat().st_size}, None, path.name)


def _other_parts(path: Path) -> list[Path]:
    """The further files of a model that is split, ``<name>-00001-of-00003.gguf``."""
    name, marker, count = path.stem.rpartition("-of-")
    base, _, number = name.rpartition("-")
    if not marker or not number.isdigit() or not count.isdigit():
        return []
    return sorted(each for each in path.parent.glob("*.gguf") if each != path and each.name.startswith(f"{base}-"))


def _gguf_facts(paths: list[Path]) -> ModelFacts:
    headers = [read_gguf_header(path) for path in paths]
    layers = tuple(size for header in headers for size in header.layer_bytes)
    total = sum(header.tensor_bytes for header in headers)
    return ModelFacts({"": total}, _gguf_shape(headers[0]), "its GGUF header", quantised=True, layer_bytes=layers)


def _gguf_shape(header: GgufHeader) -> ModelShape | None:
    try:
        return ModelShape.from_gguf(header.metadata)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _read_directory(folder: Path) -> ModelFacts:
    config = _read_config(folder)
    shape = _config_shape(config)
    quantised = bool(config.get("quantization_config"))
    tensors = sorted(folder.glob("*.safetensors"))
    if tensors:
        sizes: dict[str, int] = {}
        for path in tensors:
            for dtype, size in read_tensor_bytes(path).items():
                sizes[dtype] = sizes.get(dtype, 0) + size
        return ModelFacts(sizes, shape, "its safetensors headers", quantised)
    if ggufs := sorted(folder.glob("*.gguf")):
        return _gguf_facts([ggufs[0], *_other_parts(ggufs[0])])
    for pattern in _INSTALLED_WEIGHTS:
        if files := [path for path in folder.glob(pattern) if path.is_file()]:
            return ModelFacts({"": sum(path.stat().st_size for path in files)}, shape, "its file sizes", quantised)
    raise InvalidHeader(f"{folder} has no weights ({', '.join(_INSTALLED_WEIGHTS)})")


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        text = file.read(_MAX_CONFIG_BYTES + 1)
    try:
        config = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidHeader(f"{path} is not JSON") from None
    return config if isinstance(config, dict) else {}


def _config_shape(config: dict[str, Any]) -> ModelShape | None:
    try:
        return ModelShape.from_config(config)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, ValidationError):
        return None
