"""The HTTP server of llama.cpp on a loopback port: ``python -m benchmarks.peers.llama PORT same|own``.

``same`` uses the settings of the demo graph. ``own`` leaves threads and batch size to llama.cpp.
"""

import signal
import sys
from typing import Any

import xllamacpp

from benchmarks.demo_options import llama_options


def parameters(port: int, *, own_settings: bool) -> Any:
    options = llama_options()
    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(options.model)
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
    if own_settings:
        return chosen
    chosen.n_batch = chosen.n_ubatch = options.batch
    if options.threads:
        chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = options.threads
    return chosen


if __name__ == "__main__":
    server = xllamacpp.Server(parameters(int(sys.argv[1]), own_settings=sys.argv[2] == "own"))
    print(server.listening_address, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
