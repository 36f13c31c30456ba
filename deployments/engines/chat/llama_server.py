"""Creates llama.cpp servers in this process through xllamacpp."""

import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deployments.contracts.errors import EngineFailed

_NO_LOG = -1  # below the lowest verbosity of llama.cpp: it writes nothing to stderr


class LlamaServer(Protocol):
    """The methods of ``xllamacpp.Server`` in use. They block and are thread-safe.

    The callback returns True to stop the generation (xllamacpp README, "Streaming").
    """

    def handle_chat_completions(self, body: object, callback: Callable[[Mapping[str, Any]], bool]) -> None: ...

    def handle_embeddings(self, body: object) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class LlamaServerSettings:
    """``context`` and ``batch`` are in tokens, ``context`` per slot. With ``threads`` 0 llama.cpp chooses.
    ``chat_template`` "" is the template of the model."""

    model: Path
    slots: int
    context: int
    batch: int
    threads: int
    gpu_layers: int
    prompt_cache_mb: int
    embeddings: bool = False
    chat_template: str = ""


def load_server(settings: LlamaServerSettings) -> LlamaServer:
    """Loads the model, which takes seconds. Raises EngineFailed when llama.cpp rejects the file or the settings.

    llama.cpp always starts its HTTP server. Here it listens on a Unix socket in a private directory, which is deleted
    before this function returns, and requires a random key.
    """
    import xllamacpp

    with tempfile.TemporaryDirectory(prefix="llama-") as directory:
        parameters = _parameters(xllamacpp, settings, Path(directory) / "unused.sock")
        try:
            server: LlamaServer = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise EngineFailed(f"llama.cpp cannot load {settings.model}: {error}") from error
    return server


def _parameters(xllamacpp: Any, settings: LlamaServerSettings, socket: Path) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(settings.model)
    parameters.n_parallel = settings.slots
    parameters.n_ctx = settings.context * settings.slots
    parameters.n_batch = parameters.n_ubatch = settings.batch
    parameters.n_gpu_layers = settings.gpu_layers
    parameters.cache_ram_mib = settings.prompt_cache_mb
    parameters.verbosity = _NO_LOG
    parameters.hostnames = [str(socket)]
    parameters.api_keys = [secrets.token_urlsafe()]
    parameters.ui = False
    parameters.offline = True
    if settings.chat_template:
        parameters.chat_template = settings.chat_template
    if settings.threads:
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = settings.threads
    if settings.embeddings:
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return parameters
