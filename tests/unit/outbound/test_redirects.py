"""Which redirects are followed, and what travels along."""

import httpx
import pytest
from pydantic import SecretStr

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.outbound import allowances
from deployments.outbound.blocking import BlockingClient
from deployments.outbound.body import OutboundLimits, TooMuch
from deployments.outbound.client import BoundKey, CheckedClient
from deployments.outbound.policy import OutboundPolicy, Refused
from deployments.outbound.redirects import Redirects
from deployments.outbound.target import parse
from tests.unit.models.server import Site
from tests.unit.models.server import serving as serving_in_a_thread
from tests.unit.outbound.server import FakeResolver, said, serving

NAMED = Redirects(frozenset({"cdn.test"}), allowances("mirror.test:8080, 10.0.0.0/24"), "THE_LIST")
LOOPBACK = OutboundPolicy(allowances("127.0.0.1"))


def leads(location: str) -> httpx.Response:
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
def test_a_redirect_within_the_origin_or_to_a_named_place_is_followed(location: str) -> None:
    assert NAMED.followed(parse("https://hub.test/a"), "GET", leads(location)).path == "/b"


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
def test_a_redirect_elsewhere_is_refused_with_what_allows_it(location: str) -> None:
    with pytest.raises((Refused, InvalidRequest)) as caught:
        NAMED.followed(parse("https://hub.test/a"), "GET", leads(location))
    if isinstance(caught.value, Refused):
        assert "in THE_LIST allows it" in caught.value.message


async def test_a_key_and_credentials_stay_with_the_first_origin() -> None:
    async with serving() as hub, serving() as cdn:
        hub.answers["/a"] = said(b"", "302 Found", location=f"{cdn.url}/b")
        redirects = Redirects(opened=allowances(f"127.0.0.1:{cdn.port}"))
        client = CheckedClient(lambda: LOOPBACK, resolver=FakeResolver(), redirects=redirects)
        key = BoundKey(hub.url, SecretStr("hunter2"), header="X-Key", prefix="")
        headers = {"Cookie": "a=hunter3", "Authorization": "Basic hunter4", "Range": "bytes=5-"}
        assert (await client.fetch("GET", f"{hub.url}/a", headers=headers, key=key)).body == b"hello"
        assert all(secret in hub.requests[0] for secret in ("hunter2", "hunter3", "hunter4"))
        assert "hunter" not in cdn.requests[0]
        assert "range: bytes=5-" in cdn.requests[0].lower()
        await client.aclose()


def test_the_blocking_client_asks_and_refuses_as_the_other_one() -> None:
    limits = OutboundLimits(max_bytes=10)
    with serving_in_a_thread(Site(files={"/a": b"0123456789", "/b": b"0123456789x"})) as site:
        with BlockingClient(CheckedClient(lambda: LOOPBACK, limits)) as client:
            assert client.fetch(f"{site.url}/a").body == b"0123456789"
            with client.stream(f"{site.url}/a") as answer:
                assert (answer.status, b"".join(answer.pieces)) == (200, b"0123456789")
            with pytest.raises(TooMuch), client.stream(f"{site.url}/b") as answer:
                b"".join(answer.pieces)
            with pytest.raises(Refused):
                client.fetch("http://127.0.0.2/")
        assert len(site.requests) == 3
