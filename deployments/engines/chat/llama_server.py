"""Builds llama.cpp servers inside this process. The only module that knows xllamacpp's parameters."""

import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deployments.contracts.errors import EngineFailed

_ABSENT_LOG = -1  # below llama.cpp's lowest verbosity: nothing is written to the process's stderr


class LlamaServer(Protocol):
    """The part of ``xllamacpp.Server`` we use. Calls block and may come from several threads.

    A true return value of the callback stops the generation (xllamacpp README, "Streaming").
    """

    def handle_chat_completions(self, body: object, callback: Callable[[Mapping[str, Any]], bool]) -> None: ...

    def handle_embeddings(self, body: object) -> Mapping[str, Any]: ...

    def handle_metrics(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LlamaServerSettings:
    """``context`` and ``batch`` are in tokens, ``context`` per slot; ``threads`` 0 leaves the choice to llama.cpp."""

    model: Path
    slots: int
    context: int
    batch: int
    threads: int
    gpu_layers: int
    prompt_cache_mb: int
    embeddings: bool = False


def load_server(settings: LlamaServerSettings) -> LlamaServer:
    """Loads the model; takes seconds. Raises EngineFailed when llama.cpp refuses the file or the settings.

    llama.cpp always opens its HTTP server. It listens on a Unix socket in a directory that only this user can enter
    and that is gone when this function returns, and asks for a key that nobody has.
    """
    import xllamacpp

    with tempfile.TemporaryDirectory(prefix="llama-") as private:
        parameters = _parameters(xllamacpp, settings, Path(private) / "unused.sock")
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
    parameters.endpoint_metrics = True
    parameters.verbosity = _ABSENT_LOG
    parameters.hostnames = [str(socket)]
    parameters.api_keys = [secrets.token_urlsafe()]
    parameters.ui = False
    parameters.offline = True
    if settings.threads:
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = settings.threads
    if settings.embeddings:
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return parameters
