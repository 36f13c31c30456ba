"""A graph whose model is the tiny vLLM, and whose voice takes another part of the same card."""

from pathlib import Path
from typing import Any

import yaml

from tests.vllm.conftest import KV_CACHE_BYTES, TinyModel

CARD = {"RAY_OVERRIDE_RESOURCES": '{"GPU": 1}'}
"""One logical GPU. Ray counts shares of it; nothing looks for a real card."""


def write_graph(path: Path, tiny: TinyModel) -> Path:
    chat = {
        "name": "chat",
        "engine": "vllm",
        "options": {
            "model": str(tiny.folder),
            "dtype": "float32",
            "enforce_eager": True,
            "max_model_len": 4_096,
            "kv_cache_memory_bytes": KV_CACHE_BYTES,
            "max_num_seqs": 8,
            "adapters": {name: str(folder) for name, folder in tiny.adapters.items()},
            "tool_parser": "hermes",
            "languages": ["mul"],
        },
        "num_gpus": 0.5,
    }
    secretary: dict[str, Any] = {
        "chats": [chat],
        "voices": [{"name": "voice", "engines": [{"engine": "tone"}], "num_gpus": 0.4}],
    }
    staff = {"recognition": False}
    applications = [
        {"name": "office", "route_prefix": "/admin", "import_path": "serve_app:build_office", "args": {"staff": staff}},
        {"name": "secretary", "route_prefix": "/", "import_path": "serve_app:build_secretary", "args": secretary},
    ]
    path.write_text(yaml.safe_dump({"proxy_location": "HeadOnly", "applications": applications}))
    return path
