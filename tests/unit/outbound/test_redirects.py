"""Redirects of outbound requests."""

import httpx
import pytest
from pydantic import SecretStr

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.outbound import parse_allowed_hosts
from deployments.outbound.blocking import BlockingClient
from deployments.outbound.client import CheckedClient, OriginKey
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.redirects import RedirectPolicy
from deployments.outbound.response_body import OutboundLimits, ResponseTooLarge
from deployments.outbound.target import parse_target
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.outbound.scripted_server import FakeResolver, respond_with, run_server

POLICY = RedirectPolicy(frozenset({"cdn.test"}), parse_allowed_hosts("mirror.test:8080, 10.0.0.0/24"), "THE_LIST")
LOOPBACK = OutboundPolicy(parse_allowed_hosts("127.0.0.1"))


def redirect_to(location: str) -> httpx.Response:
    return httpx.Response(302, headers={"location": location})


@pytest.mark.parametrize(
    "location",
    [
        "/b",
        "https://hub.test/b",
        "https://cdn.test/b",
        "https://CDN.test:443/b",
        "http://mirror.test:8080/b",
        "http://10.0.0.7/b",
    ],
)
def test_redirect_to_origin_or_listed_host_is_followed(location: str) -> None:
    assert POLICY.next_target(parse_target("https://hub.test/a"), "GET", redirect_to(location)).path == "/b"


@pytest.mark.parametrize(
    "location",
    [
        "http://hub.test/b",
        "https://hub.test:8443/b",
        "http://cdn.test/b",
        "https://cdn.test:8443/b",
        "https://evil.cdn.test/b",
        "https://cdn.test.evil/b",
        "https://cdn.test@evil.test/b",
        "https://mirror.test/b",
        "http://10.0.1.7/b",
        "//evil.test/b",
    ],
)
def test_redirect_elsewhere_is_refused(location: str) -> None:
    with pytest.raises((OutboundRefused, InvalidRequest)) as caught:
        POLICY.next_target(parse_target("https://hub.test/a"), "GET", redirect_to(location))
    if isinstance(caught.value, OutboundRefused):
        assert "THE_LIST" in caught.value.message


async def test_redirect_drops_key_and_credentials() -> None:
    async with run_server() as hub, run_server() as cdn:
        hub.answers["/a"] = respond_with(b"", "302 Found", location=f"{cdn.url}/b")
        redirects = RedirectPolicy(allowed=parse_allowed_hosts(f"127.0.0.1:{cdn.port}"))
        client = CheckedClient(lambda: LOOPBACK, resolver=FakeResolver(), redirects=redirects)
        key = OriginKey(hub.url, SecretStr("hunter2"), header="X-Key", prefix="")
        headers = {"Cookie": "a=hunter3", "Authorization": "Basic hunter4", "Range": "bytes=5-"}
        assert (await client.fetch("GET", f"{hub.url}/a", headers=headers, key=key)).body == b"hello"
        assert all(secret in hub.requests[0] for secret in ("hunter2", "hunter3", "hunter4"))
        assert "hunter" not in cdn.requests[0]
        assert "range: bytes=5-" in cdn.requests[0].lower()
        await client.aclose()


def test_blocking_client_applies_policy_and_limits() -> None:
    limits = OutboundLimits(max_bytes=10)
    with run_file_server(FakeFileServer(files={"/a": b"0123456789", "/b": b"0123456789x"})) as site:
        with BlockingClient(CheckedClient(lambda: LOOPBACK, limits)) as client:
            assert client.fetch(f"{site.url}/a").body == b"0123456789"
            with client.stream(f"{site.url}/a") as answer:
                assert (answer.status, b"".join(answer.chunks)) == (200, b"0123456789")
            with pytest.raises(ResponseTooLarge), client.stream(f"{site.url}/b") as answer:
                b"".join(answer.chunks)
            with pytest.raises(OutboundRefused):
                client.fetch("http://127.0.0.2/")
        assert len(site.requests) == 3
