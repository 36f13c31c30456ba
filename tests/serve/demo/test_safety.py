"""Who gets in, what is open, what is left: on the running demo."""

import time

import httpx
import psutil
import pytest

from tests.serve.secretary_process import SecretaryProcess

PUBLIC = {"/health", "/ready", "/v1/audio/voices", "/v1/audio/models"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/audio/speech"),
        ("POST", "/v1/audio/transcriptions"),
        ("POST", "/v1/embeddings"),
        ("GET", "/metrics"),
    ],
)
@pytest.mark.parametrize("key", [None, "sk-sec-wrong"])
def test_nothing_answers_without_a_key(demo: SecretaryProcess, method: str, path: str, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    reply = httpx.request(method, demo.url + path, headers=headers)
    assert reply.status_code == 401
    assert set(reply.json()["error"]) >= {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_the_public_list_is_short(demo: SecretaryProcess, path: str) -> None:
    assert httpx.get(demo.url + path).status_code == 200


@pytest.mark.parametrize("path", ["/admin/ui/", "/admin/", "/admin/ui/faq"])
def test_the_panel_leads_strangers_to_the_login(demo: SecretaryProcess, path: str) -> None:
    reply = httpx.get(demo.url + path, follow_redirects=True, headers={"Accept": "text/html"})
    assert reply.url.path.endswith("/login")


def test_a_caller_cannot_switch_serves_protections_off(demo: SecretaryProcess) -> None:
    headers = demo.headers | {"x-request-timeout-seconds": "0.000001", "x-request-disconnect-disabled": "?1"}
    body = {"model": "secretary", "messages": [{"role": "user", "content": "Who are you?"}]}
    assert httpx.post(f"{demo.url}/v1/chat/completions", headers=headers, json=body).status_code == 200


def test_everything_but_the_replicas_grpc_listens_on_loopback(demo: SecretaryProcess) -> None:
    """Serve opens one gRPC port per replica on all interfaces, behind Ray's token; see the README."""
    outside: dict[str, int] = {}
    for process in demo.processes():
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and not _is_loopback(connection.laddr.ip):
                name = " ".join(process.cmdline())[:60]
                outside[name] = outside.get(name, 0) + 1
    assert all(name.startswith("ray::ServeReplica") and ports == 1 for name, ports in outside.items()), outside


def test_no_secret_is_in_the_data_folder_logs_or_process_list(demo: SecretaryProcess) -> None:
    from tests.serve.secretary_process import API_KEY, PASSWORD

    secrets = (API_KEY.encode(), PASSWORD.encode())
    for file in demo.data.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(secret in content for secret in secrets), file
    for process in demo.processes():
        line = " ".join(process.cmdline()).encode()
        assert not any(secret in line for secret in secrets)


def _is_loopback(ip: str) -> bool:
    return ip.startswith(("127.", "::ffff:127.")) or ip == "::1"


def test_the_log_tells_of_turns_without_their_words(demo: SecretaryProcess) -> None:
    body = {"model": "local", "max_tokens": 5, "messages": [{"role": "user", "content": "my cat is called Mitsubishi"}]}
    assert httpx.post(f"{demo.url}/v1/chat/completions", headers=demo.headers, json=body, timeout=60).is_success
    time.sleep(1.5)  # lines are written once a second
    lines = "".join(file.read_text() for file in (demo.data / "logs").glob("gateway.*.log"))
    assert "source=api route=local" in lines
    assert "Mitsubishi" not in lines


def test_a_reply_has_one_request_id_that_of_the_door(demo: SecretaryProcess) -> None:
    with demo.http() as http:
        replies = [http.get("/v1/models"), http.get("/v1/nowhere"), http.post("/v1/chat/completions", json={})]
    for reply in replies:
        assert len(reply.headers.get_list("x-request-id")) == 1
