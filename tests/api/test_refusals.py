"""What is refused says what to do instead; paths of careless clients are understood."""

import gzip

import httpx
import orjson
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.api.running_gateway import RunningGateway

CHAT = "/v1/chat/completions"
ASK = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings", "/v1/audio/speech", "/v1/audio/transcriptions"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_compressed_body_is_refused(http: httpx.Client, path: str, encoding: str) -> None:
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    response = http.post(path, content=gzip.compress(orjson.dumps(ASK)), headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in response.json()["error"]["message"]


def test_uncompressed_encoding_is_taken(http: httpx.Client) -> None:
    assert http.post(CHAT, json=ASK, headers={"content-encoding": "identity"}).status_code == 200


def test_too_many_stops_are_counted(http: httpx.Client) -> None:
    error = http.post(CHAT, json={**ASK, "stop": list("abcde")}).json()["error"]
    assert (error["param"], error["message"]) == ("stop", "stop takes at most 4 texts.")


@pytest.mark.parametrize(
    "path", ["//v1/chat/completions", "/v1//chat/completions", "/v1/chat/completions/", "//v1//chat///completions//"]
)
def test_slashes_are_collapsed(http: httpx.Client, path: str) -> None:
    url = httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode())
    assert http.post(url, json=ASK).status_code == 200


@pytest.mark.parametrize("path", ["//health", "/health/", "/v1/models/", "/v1//models//secretary/"])
def test_slashes_of_other_routes_are_collapsed(http: httpx.Client, path: str) -> None:
    url = httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode())
    assert http.get(url).status_code == 200


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/chat/completions", CHAT),
        ("/v1/v1/chat/completions", CHAT),
        ("/api/v1/embeddings", "/v1/embeddings"),
        ("/openai/deployments/x/audio/speech", "/v1/audio/speech"),
        ("/models", "/v1/models"),
        ("/audio/transcriptions", "/v1/audio/transcriptions"),
    ],
)
def test_wrong_base_url_is_explained(http: httpx.Client, path: str, known: str) -> None:
    response = http.post(path, json=ASK)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert f"The path is {known}: the base URL" in response.json()["error"]["message"]


def test_unknown_path_is_named(http: httpx.Client) -> None:
    assert "/v1/fine_tuning" in http.get("/v1/fine_tuning").json()["error"]["message"]


@pytest.mark.parametrize(("path", "text"), [("/v1/realtime?model=x", "Realtime"), ("/elsewhere", "/elsewhere")])
def test_websocket_is_refused_with_an_error_body(door: RunningGateway, path: str, text: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws://127.0.0.1:{door.port}{path}")
    assert caught.value.response.status_code == 404
    error = orjson.loads(caught.value.response.body)["error"]
    assert error["code"] == "not_found"
    assert text in error["message"]


def test_realtime_over_http_is_explained(http: httpx.Client) -> None:
    for path in ("/v1/realtime", "/v1/realtime/sessions", "/v1/realtime/client_secrets"):
        response = http.post(path, json={})
        assert response.status_code == 404
        assert "Realtime" in response.json()["error"]["message"]
