"""/admin/models with a fake hub."""

from collections.abc import Iterator

import pytest

from tests.serve.admin_client import AdminClient, error_of, wait_for_change
from tests.unit.models.file_server import FakeFileServer
from tests.unit.models.hub_responses import COMMIT
from tests.unit.models.sample_model import CONFIG, WEIGHTS

_SCAN_TIMEOUT_S = 60.0
_TINY = "hf-acme--tiny"


def test_get_list(admin: AdminClient) -> None:
    models = {model["id"]: model for model in admin.get("/models/list")["models"]}
    chat = models["smollm2-135m-instruct"]
    assert (chat["installed"], chat["kind"], chat["in_use_by"]) == (True, "chat", "chat")
    assert chat["size"] > 50_000_000


def test_scan(admin: AdminClient) -> None:
    """Start, status and cancel of a scan."""
    admin.post("/models/scan")
    assert error_of(admin.http.post("/models/scan"))[0] == 409
    wait_for_change(lambda: admin.get("/models/scan/status")["state"] != "running", _SCAN_TIMEOUT_S)
    read = admin.get("/models/scan/status")
    assert (read["state"], read["error"]) == ("finished", None)
    assert {"smollm2-135m-instruct", "whisper-base"} <= {finding["id"] for finding in read["findings"]}
    admin.post("/models/scan")
    admin.post("/models/scan/cancel")
    wait_for_change(lambda: admin.get("/models/scan/status")["state"] == "cancelled")


@pytest.fixture
def cleared(admin: AdminClient) -> Iterator[None]:
    """Deletes the downloaded model from the models folder, which outlives the secretary."""
    yield
    admin.post("/models/download/cancel")
    wait_for_change(lambda: admin.get("/models/download/status")["state"] != "running")
    admin.http.delete(f"/models/{_TINY}")


def test_search_and_details(admin: AdminClient) -> None:
    (found,) = admin.get("/models/search", query="tiny")["models"]
    assert (found["repo_id"], found["licence"]) == ("acme/Tiny", "mit")
    details = admin.get("/models/details/acme/Tiny")
    assert (details["revision"], len(details["files"])) == (COMMIT, 2)
    assert error_of(admin.http.get("/models/details/acme/None"))[0] == 404


@pytest.mark.usefixtures("cleared")
def test_download(admin: AdminClient, hub: FakeFileServer) -> None:
    """Download, status and cancel; a second download resumes."""
    assert error_of(admin.http.post("/models/download", json={"model_id": "nobody"}))[0] == 404
    hub.delay_s = 0.05
    assert admin.post("/models/download", {"repo_id": "acme/Tiny", "kind": "chat"})["state"] == "running"
    wait_for_change(lambda: admin.get("/models/download/status")["done"] > len(CONFIG))
    assert error_of(admin.http.post("/models/download", json={"repo_id": "acme/Tiny", "kind": "chat"}))[0] == 409
    admin.post("/models/download/cancel")
    wait_for_change(lambda: admin.get("/models/download/status")["state"] == "cancelled")
    assert admin.get("/models/download/status")["done"] < len(WEIGHTS)
    hub.delay_s = 0.0
    admin.post("/models/download", {"repo_id": "acme/Tiny", "kind": "chat"})
    wait_for_change(lambda: admin.get("/models/download/status")["state"] == "finished")
    assert admin.get("/models/download/status")["done"] == len(WEIGHTS) + len(CONFIG)
    assert any("range" in headers for headers in hub.requests_for(f"/acme/Tiny/resolve/{COMMIT}/weights.bin"))


@pytest.mark.usefixtures("cleared")
def test_delete(admin: AdminClient) -> None:
    admin.post("/models/download", {"repo_id": "acme/Tiny", "kind": "chat"})
    wait_for_change(lambda: admin.get("/models/download/status")["state"] == "finished")
    (downloaded,) = [model for model in admin.get("/models/list")["models"] if model["id"] == _TINY]
    assert (downloaded["installed"], downloaded["revision"]) == (True, COMMIT)
    assert admin.delete(f"/models/{_TINY}")["freed"] >= len(WEIGHTS)
    assert _TINY not in {model["id"] for model in admin.get("/models/list")["models"]}
    assert error_of(admin.http.delete(f"/models/{_TINY}"))[0] == 404
    assert error_of(admin.http.delete("/models/smollm2-135m-instruct")) == (409, "conflict")
