"""llama.cpp's own HTTP server on a loopback port: ``python -m benchmarks.peers.llama MODEL PORT BATCH``.

BATCH 0 keeps llama.cpp's own batch size; everything else is set as the secretary's engine sets it by default.
"""

import signal
import sys
from typing import Any

import xllamacpp

from deployments.engines.chat.llama_cpp import LlamaCppOptions


def parameters(model: str, port: int, batch: int) -> Any:
    options = LlamaCppOptions(model=model)  # type: ignore[arg-type]
    chosen = xllamacpp.CommonParams()
    chosen.model.path = model
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = port
    chosen.n_parallel = options.slots
    chosen.n_ctx = options.context * options.slots
    chosen.cache_ram_mib = options.prompt_cache_mb
    chosen.n_gpu_layers = options.gpu_layers
    chosen.endpoint_metrics = True
    chosen.verbosity = -1
    chosen.ui = False
    chosen.offline = True
    if batch:
        chosen.n_batch = chosen.n_ubatch = batch
    if options.threads:
        chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = options.threads
    return chosen


if __name__ == "__main__":
    server = xllamacpp.Server(parameters(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(server.listening_address, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
