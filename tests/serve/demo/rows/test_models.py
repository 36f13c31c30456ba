"""Rows of /admin/models; what is brought and taken away is a model of a hub on this machine."""

from collections.abc import Iterator

import pytest

from tests.serve.office import Office, follows, refused
from tests.unit.models.conftest import CONFIG, WEIGHTS
from tests.unit.models.hub import COMMIT
from tests.unit.models.server import Site

_READS_WITHIN_S = 60.0
_TINY = "hf-acme--tiny"


def test_get_list(office: Office) -> None:
    models = {model["id"]: model for model in office.get("/models/list")["models"]}
    chat = models["smollm2-135m-instruct"]
    assert (chat["installed"], chat["kind"], chat["in_use_by"]) == (True, "chat", "chat")
    assert chat["size"] > 50_000_000


def test_scan(office: Office) -> None:
    """start, status and cancel: every byte of the weights is read, unless somebody says stop."""
    office.post("/models/scan")
    assert refused(office.http.post("/models/scan"))[0] == 409
    follows(lambda: office.get("/models/scan/status")["state"] != "running", _READS_WITHIN_S)
    read = office.get("/models/scan/status")
    assert (read["state"], read["error"]) == ("finished", None)
    assert {"smollm2-135m-instruct", "whisper-base"} <= {finding["id"] for finding in read["findings"]}
    office.post("/models/scan")
    office.post("/models/scan/cancel")
    follows(lambda: office.get("/models/scan/status")["state"] == "cancelled")


@pytest.fixture
def cleared(office: Office) -> Iterator[None]:
    """Nothing of the hub's model is left in the folder of models, which outlives the secretary."""
    yield
    office.post("/models/download/cancel")
    follows(lambda: office.get("/models/download/status")["state"] != "running")
    office.http.delete(f"/models/{_TINY}")


def test_search_and_details(office: Office) -> None:
    (found,) = office.get("/models/search", query="tiny")["models"]
    assert (found["repo_id"], found["licence"]) == ("acme/Tiny", "mit")
    details = office.get("/models/details/acme/Tiny")
    assert (details["revision"], len(details["files"])) == (COMMIT, 2)
    assert refused(office.http.get("/models/details/acme/None"))[0] == 404


@pytest.mark.usefixtures("cleared")
def test_download(office: Office, hub: Site) -> None:
    """download, status and cancel: it is followed while it comes, ended half-way, and goes on where it was."""
    assert refused(office.http.post("/models/download", json={"model_id": "nobody"}))[0] == 404
    hub.delay_s = 0.05
    assert office.post("/models/download", {"repo_id": "acme/Tiny", "kind": "chat"})["state"] == "running"
    follows(lambda: office.get("/models/download/status")["done"] > len(CONFIG))
    assert refused(office.http.post("/models/download", json={"repo_id": "acme/Tiny", "kind": "chat"}))[0] == 409
    office.post("/models/download/cancel")
    follows(lambda: office.get("/models/download/status")["state"] == "cancelled")
    assert office.get("/models/download/status")["done"] < len(WEIGHTS)
    hub.delay_s = 0.0
    office.post("/models/download", {"repo_id": "acme/Tiny", "kind": "chat"})
    follows(lambda: office.get("/models/download/status")["state"] == "finished")
    assert office.get("/models/download/status")["done"] == len(WEIGHTS) + len(CONFIG)
    assert any("range" in headers for headers in hub.asked(f"/acme/Tiny/resolve/{COMMIT}/weights.bin"))


@pytest.mark.usefixtures("cleared")
def test_delete(office: Office) -> None:
    office.post("/models/download", {"repo_id": "acme/Tiny", "kind": "chat"})
    follows(lambda: office.get("/models/download/status")["state"] == "finished")
    (brought,) = [model for model in office.get("/models/list")["models"] if model["id"] == _TINY]
    assert (brought["installed"], brought["revision"]) == (True, COMMIT)
    assert office.delete(f"/models/{_TINY}")["freed"] >= len(WEIGHTS)
    assert _TINY not in {model["id"] for model in office.get("/models/list")["models"]}
    assert refused(office.http.delete(f"/models/{_TINY}"))[0] == 404
    assert refused(office.http.delete("/models/smollm2-135m-instruct")) == (409, "conflict")
