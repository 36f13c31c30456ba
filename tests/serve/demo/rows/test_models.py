"""Rows of /admin/models that need no hub and leave the weights alone."""

from tests.serve.office import Office, follows, refused

_READS_WITHIN_S = 60.0


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


def test_download(office: Office) -> None:
    """download, status and cancel: what is installed already is not brought again, and nobody knows other names."""
    assert refused(office.http.post("/models/download", json={"model_id": "nobody"}))[0] == 404
    office.post("/models/download/cancel")
    assert office.get("/models/download/status")["state"] != "running"
