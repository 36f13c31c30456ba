"""URLs and addresses that the outbound policy refuses, in every notation."""

import ipaddress
import ssl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.settings import OutboundSettings
from deployments.outbound.address_ranges import BLOCKED_NETWORKS, blocked_reason
from deployments.outbound.client import CheckedClient
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.target import OutboundTarget, parse_target
from tests.unit.outbound.scripted_server import FakeResolver

TLS = ssl.create_default_context()
_LINES = Path(__file__).with_name("refused.txt").read_text(encoding="utf-8").splitlines()
CORPUS = [line for line in _LINES if line and not line.startswith("# ")]
_ESCAPES = {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\0": "\0"}


def _unescape(url: str) -> str:
    for written, meant in _ESCAPES.items():
        url = url.replace(written, meant)
    for code in ("00ad", "200b", "ff0f", "2044", "3002"):
        url = url.replace(f"\\u{code}", chr(int(code, 16)))
    return url


@pytest.mark.parametrize("line", CORPUS)
async def test_client_refuses_every_url_of_the_corpus(line: str) -> None:
    url, _, addresses = line.partition(" -> ")
    url = _unescape(url)
    resolver = FakeResolver()
    if addresses:
        host = url.partition("://")[2].partition("/")[0].partition("#")[0].rstrip(".").lower()
        resolver.add_answer(host, *addresses.split())
        resolver.add_answer("example.org", *addresses.split())
    client = CheckedClient(OutboundPolicy, resolver=resolver, tls=TLS)
    with pytest.raises((OutboundRefused, InvalidRequest)) as caught:
        await client.fetch("GET", url)
    await client.aclose()
    assert ":password@" not in caught.value.message
    if isinstance(caught.value, OutboundRefused) and "metadata" not in caught.value.message:
        assert "outbound.allowed_hosts" in caught.value.message


def _addresses_in(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> st.SearchStrategy[str]:
    first, last = int(network[0]), int(network[-1])
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return st.integers(first, last).map(lambda number: str(kind(number)))


blocked_addresses = st.sampled_from(BLOCKED_NETWORKS).flatmap(lambda entry: _addresses_in(entry[0]))


def _forms_of_ipv4(text: str) -> list[str]:
    address = ipaddress.IPv4Address(text)
    a, b, c, d = address.packed
    number = int(address)
    inside = (
        f"::ffff:{text}",
        f"::{text}",
        f"64:ff9b::{text}",
        f"2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1",
        f"2001:0:{a:02x}{b:02x}:{c:02x}{d:02x}::",
        f"::ffff:0:{text}",
    )
    return [
        *(text, f"{text}.", str(number), hex(number), oct(number).replace("o", ""), f"{number:011o}"),
        *(f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}", f"{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        *(f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a:03d}.{b:03d}.{c:03d}.{d:03d}"),
        *(f"[{form}]" for form in inside),
    ]


def _forms_of_ipv6(text: str) -> list[str]:
    address = ipaddress.IPv6Address(text)
    mixed = (
        f"{address.exploded.rpartition(':')[0].rpartition(':')[0]}:{ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)}"
    )
    return [f"[{form}]" for form in (text, text.upper(), address.exploded, mixed)]


@settings(deadline=None)
@given(blocked_addresses)
def test_policy_blocked_address_is_refused_in_every_form(text: str) -> None:
    forms = _forms_of_ipv4(text) if "." in text and ":" not in text else _forms_of_ipv6(text)
    for form in forms:
        with pytest.raises((OutboundRefused, InvalidRequest)):
            OutboundPolicy().check_target(parse_target(f"https://{form}/"))


@settings(deadline=None)
@given(blocked_addresses)
def test_policy_name_with_blocked_address_is_refused(text: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundPolicy().check_addresses(parse_target("https://example.org/"), ("93.184.216.34", text))


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:4700::1111", "64:ff9b::8.8.8.8", "1.1.1.1"])
def test_blocked_reason_public_address_is_none(text: str) -> None:
    assert blocked_reason(ipaddress.ip_address(text)) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_parse_target_round_trips_or_rejects(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org/{text}"):
        try:
            target = parse_target(url)
        except InvalidRequest:
            continue
        assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("allowed", "url", "addresses"),
    [
        ("localhost:8000", "http://localhost:8000/v1", ("127.0.0.1",)),
        ("LocalHost", "http://localhost:9/", ("::1",)),
        ("10.0.0.0/24", "http://10.0.0.7:5000/", ()),
        ("10.0.0.7:5000", "http://10.0.0.7:5000/", ()),
        ("[fd00::]/64", "https://[fd00::7]:5000/", ()),
        ("[fd00::1]:80", "http://[FD00:0::1]/", ()),
        ("10.0.0.0/24", "https://inside.example.org/", ("10.0.0.9",)),
    ],
)
def test_policy_listed_host_is_allowed(allowed: str, url: str, addresses: tuple[str, ...]) -> None:
    policy = OutboundPolicy.from_settings(OutboundSettings(allowed_hosts=(allowed,)))
    policy.check_target(parse_target(url))
    policy.check_addresses(parse_target(url), addresses)


@pytest.mark.parametrize(
    ("allowed", "url", "addresses"),
    [
        ("localhost:8000", "http://localhost:8001/", ("127.0.0.1",)),
        ("localhost", "http://localhost.example.org/", ()),
        ("example.org", "http://sub.example.org/", ()),
        ("10.0.0.0/24", "http://10.0.1.1/", ()),
        ("10.0.0.0/24", "http://inside.example.org/", ("10.0.0.9",)),
        ("0.0.0.0/0", "http://169.254.169.254/", ()),
        ("169.254.169.254", "http://169.254.169.254/", ()),
        ("metadata.google.internal", "http://metadata.google.internal/", ()),
        ("upstream", "http://upstream/", ("169.254.169.254",)),
        ("[::]/0", "https://[::ffff:169.254.169.254]/", ()),
        ("127.0.0.1", "https://[::ffff:127.0.0.1]/", ()),
    ],
)
def test_policy_unlisted_host_is_refused(allowed: str, url: str, addresses: tuple[str, ...]) -> None:
    policy = OutboundPolicy.from_settings(OutboundSettings(allowed_hosts=(allowed,)))
    assert _is_refused(policy, parse_target(url), addresses)


@pytest.mark.parametrize(
    "text", ["", "http://x", "x:0", "x:70000", "10.0.0.1/33", "[::1", "a b", "127.1", "*.x", "10.0.0.7/24"]
)
def test_allowed_host_invalid_entry_is_rejected(text: str) -> None:
    with pytest.raises(ValidationError):
        OutboundSettings(allowed_hosts=(text,))
    with pytest.raises(ValueError):
        AllowedHost.parse(text)


def _is_refused(policy: OutboundPolicy, target: OutboundTarget, addresses: tuple[str, ...]) -> bool:
    try:
        policy.check_target(target)
        policy.check_addresses(target, addresses)
    except OutboundRefused:
        return True
    return False
