"""Browser pages of listed origins call the API."""

from collections.abc import Iterator

import httpx
import pytest

from deployments.contracts.inbound import parse_origins
from tests.api.running_gateway import KEY, RunningGateway

PAGE = "http://localhost:3000"
ASK = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}
PREFLIGHT = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-os",
}


@pytest.fixture(scope="module")
def page() -> Iterator[httpx.Client]:
    door = RunningGateway(cors_origins=parse_origins(f"{PAGE}, https://App.Example:443/"))
    door.start()
    with httpx.Client(base_url=door.url) as client:
        yield client
    door.stop()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/v1/unknown"])
def test_preflight_of_a_listed_origin_needs_no_key(page: httpx.Client, path: str) -> None:
    response = page.options(path, headers=PREFLIGHT)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-headers"] == PREFLIGHT["access-control-request-headers"]
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("key", [KEY, "wrong"])
def test_responses_and_errors_can_be_read(page: httpx.Client, key: str) -> None:
    headers = {"origin": "https://app.example", "authorization": f"Bearer {key}"}
    response = page.post("/v1/chat/completions", json=ASK, headers=headers)
    assert response.status_code == (200 if key == KEY else 401)
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert "Origin" in response.headers["vary"]
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {name for name in response.headers if name.startswith("x-secretary")} <= set(exposed)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3001", "https://localhost:3000"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/health"])
def test_other_origins_get_nothing(page: httpx.Client, origin: str, path: str) -> None:
    response = page.options(path, headers={**PREFLIGHT, "origin": origin})
    assert response.status_code in (401, 405)
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_other_paths_are_closed(page: httpx.Client) -> None:
    assert "access-control-allow-origin" not in page.get("/health", headers={"origin": PAGE}).headers


def test_off_by_default(http: httpx.Client) -> None:
    response = http.options("/v1/models", headers=PREFLIGHT)
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("text", ["*", "app.example", "https://app.example/page", "ftp://app.example"])
def test_wrong_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"https://|name the origins"):
        parse_origins(text)
