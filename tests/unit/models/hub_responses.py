"""Replies of a hub with one repository, acme/Tiny."""

import hashlib
import json

from tests.unit.models.sample_model import CONFIG, WEIGHTS

COMMIT = "c" * 40
REPO = "/api/models/acme/Tiny"


def hub_files() -> dict[str, bytes]:
    """Reply bodies by path: search, details, tree and files."""
    blob = hashlib.sha1(f"blob {len(CONFIG)}\0".encode() + CONFIG).hexdigest()
    tree = [
        {
            "type": "file",
            "path": "weights.bin",
            "size": len(WEIGHTS),
            "oid": "x",
            "lfs": {"oid": hashlib.sha256(WEIGHTS).hexdigest(), "size": len(WEIGHTS)},
        },
        {"type": "file", "path": "config.json", "size": len(CONFIG), "oid": blob},
    ]
    details = {
        "id": "acme/Tiny",
        "sha": COMMIT,
        "downloads": 5,
        "likes": 1,
        "tags": ["license:mit"],
        "siblings": [{"rfilename": "weights.bin", "size": 3}, {"rfilename": "config.json", "size": 4}],
    }
    return {
        "/api/models": json.dumps([details | {"siblings": None}]).encode(),
        f"{REPO}/revision/main": json.dumps(details).encode(),
        f"{REPO}/revision/{COMMIT}": json.dumps(details).encode(),
        f"{REPO}/tree/{COMMIT}": json.dumps(tree).encode(),
        f"/acme/Tiny/resolve/{COMMIT}/weights.bin": WEIGHTS,
        f"/acme/Tiny/resolve/{COMMIT}/config.json": CONFIG,
    }
