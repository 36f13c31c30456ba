"""A graph whose first voice is the tiny XTTS on a share of a card; behind it, in another process, OpenVoice over
espeak-ng, and espeak-ng."""

from pathlib import Path

import yaml

from tests.xtts.conftest import TinyXtts

CARD = {"RAY_OVERRIDE_RESOURCES": '{"GPU": 1}'}
"""One logical GPU. Ray counts shares of it; nothing looks for a real card."""


def write_graph(path: Path, tiny: TinyXtts) -> Path:
    options = {"model": str(tiny.model), "threads": 1, "queue_timeout_s": 60}
    converter = {
        "model": str(tiny.converter),
        "bases": [{"engine": "espeak"}],
        "device": "cpu",
        "threads": 1,
        "queue_timeout_s": 60,
    }
    voices = [
        {"name": "voice", "engines": [{"engine": "xtts", "options": options}], "num_gpus": 0.4},
        {"name": "converter", "engines": [{"engine": "openvoice", "options": converter}, {"engine": "espeak"}]},
    ]
    secretary = {"chats": [{"name": "chat", "engine": "echo"}], "voices": voices}
    speakers = {"voices": [voice["name"] for voice in voices]}
    staff = {"recognition": False, **speakers}
    applications = [
        {"name": "office", "route_prefix": "/admin", "import_path": "serve_app:build_office", "args": {"staff": staff}},
        {"name": "secretary", "route_prefix": "/", "import_path": "serve_app:build_secretary", "args": secretary},
        {
            "name": "phone",
            "route_prefix": "/phone",
            "import_path": "serve_app:build_phone",
            "args": {"staff": speakers},
        },
    ]
    path.write_text(yaml.safe_dump({"proxy_location": "HeadOnly", "applications": applications}))
    return path
