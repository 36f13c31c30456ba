"""Access, listening addresses and logs of the running secretary."""

from pathlib import Path

import httpx
import psutil
import pytest

from tests.serve.ray_session import ray_session_folder
from tests.serve.secretary_process import SecretaryProcess, wait_until


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/models"), ("POST", "/v1/audio/speech"), ("GET", "/metrics")],
)
@pytest.mark.parametrize("key", [None, "sk-sec-wrong"])
def test_gateway_refuses_missing_and_wrong_key(demo: SecretaryProcess, method: str, path: str, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    reply = httpx.request(method, demo.url + path, headers=headers)
    assert reply.status_code == 401
    assert set(reply.json()["error"]) >= {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/admin/", "/admin/ui/faq"])
def test_panel_redirects_to_login(demo: SecretaryProcess, path: str) -> None:
    reply = httpx.get(demo.url + path, follow_redirects=True, headers={"Accept": "text/html"})
    assert reply.url.path.endswith("/login")


def test_serve_control_headers_are_ignored(demo: SecretaryProcess) -> None:
    headers = demo.headers | {"x-request-timeout-seconds": "0.000001", "x-request-disconnect-disabled": "?1"}
    body = {"model": "secretary", "messages": [{"role": "user", "content": "Who are you?"}]}
    assert httpx.post(f"{demo.url}/v1/chat/completions", headers=headers, json=body).status_code == 200


def test_only_grpc_of_replicas_is_not_on_loopback(demo: SecretaryProcess) -> None:
    """Serve opens one gRPC port per replica on all interfaces, protected by the token of Ray."""
    outside: dict[str, int] = {}
    for process in demo.processes():
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and not _is_loopback(connection.laddr.ip):
                name = " ".join(process.cmdline())[:60]
                outside[name] = outside.get(name, 0) + 1
    assert all(name.startswith("ray::ServeReplica") and ports == 1 for name, ports in outside.items()), outside


def _is_loopback(ip: str) -> bool:
    return ip.startswith(("127.", "::ffff:127.")) or ip == "::1"


def test_log_has_turns_without_their_text(demo: SecretaryProcess) -> None:
    body = {"model": "local", "max_tokens": 5, "messages": [{"role": "user", "content": "my cat is called Mitsubishi"}]}
    assert httpx.post(f"{demo.url}/v1/chat/completions", headers=demo.headers, json=body, timeout=60).is_success

    def logs() -> list[str]:
        return [file.read_text() for file in (demo.data / "logs").glob("gateway.*.log")]

    wait_until(lambda: any("source=api route=local" in text for text in logs()), timeout_s=10)
    assert not any("Mitsubishi" in text for text in logs())


def test_texts_that_native_code_prints_are_in_no_file(demo: SecretaryProcess) -> None:
    """llama.cpp prints the grammar of a schema that it refuses."""
    marker = "Mitsubishi-9f1c"
    schema = {
        "type": "object",
        "properties": {marker * 2: {"type": "string", "pattern": f"^(((({marker}*)*)*)*)*(a{{1,"}},
    }
    schema["properties"][f"{marker}b"] = {"type": "array", "minItems": 1_999, "items": {"const": marker}}
    schema["properties"]["c"] = {"$ref": f"#/{marker}"}
    body = {
        "model": "local",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": marker}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }
    reply = httpx.post(f"{demo.url}/v1/chat/completions", headers=demo.headers, json=body, timeout=60)
    assert reply.status_code == 400, reply.text
    session = ray_session_folder(demo)
    files = [*session.rglob("*"), *(demo.data / "logs").iterdir()]
    assert any(file.name.startswith("worker-") for file in files)
    assert [file.name for file in files if file.is_file() and marker.encode() in file.read_bytes()] == []
    assert session.parent.parent.stat().st_mode & 0o777 == 0o700
    assert (Path.home() / ".ray" / "auth_token").stat().st_mode & 0o777 == 0o600


def test_reply_has_one_request_id(demo: SecretaryProcess) -> None:
    with demo.http() as http:
        replies = [http.get("/v1/models"), http.get("/v1/nowhere"), http.post("/v1/chat/completions", json={})]
    for reply in replies:
        assert len(reply.headers.get_list("x-request-id")) == 1
