"""CheckedClient against real servers on loopback."""

import asyncio
import datetime
import gzip
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from deployments.contracts.errors import EngineTimeout, InvalidRequest, Unavailable
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.settings import OutboundSettings
from deployments.outbound.client import CheckedClient, OriginKey
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.response_body import OutboundLimits, ResponseTooLarge
from deployments.outbound.transport import UpstreamUnreachable
from tests.unit.outbound.scripted_server import (
    FakeResolver,
    ScriptedServer,
    never_respond,
    respond_endlessly,
    respond_with,
    run_server,
)

TLS = ssl.create_default_context()
LIMITS = OutboundLimits(connect_timeout_s=1, read_timeout_s=1, total_timeout_s=2, max_bytes=50_000, max_redirects=2)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with run_server() as running:
        yield running


def client_for(*allowed: str, limits: OutboundLimits = LIMITS, resolver: FakeResolver | None = None) -> CheckedClient:
    policy = OutboundPolicy.from_settings(OutboundSettings(allowed_hosts=allowed))
    return CheckedClient(lambda: policy, limits, resolver or FakeResolver(), TLS)


async def test_client_allowed_host_keeps_its_name(server: ScriptedServer) -> None:
    resolver = FakeResolver(upstream_test=[("127.0.0.1",)])
    client = client_for("upstream.test", resolver=resolver)
    fetched = await client.fetch("POST", f"http://upstream.test:{server.port}/v1?x=1", content=b"hi")
    assert (fetched.status, fetched.body) == (200, b"hello")
    assert server.requests[0].startswith("POST /v1?x=1 HTTP/1.1\r\n")
    assert f"Host: upstream.test:{server.port}\r\n" in server.requests[0]
    assert resolver.queries == ["upstream.test"]
    await client.aclose()


async def test_client_resolves_a_name_once_per_connection(server: ScriptedServer) -> None:
    resolver = FakeResolver(upstream_test=[("127.0.0.1",), ("169.254.169.254",)])
    client = client_for(f"127.0.0.1:{server.port}", f"upstream.test:{server.port}", resolver=resolver)
    assert (await client.fetch("GET", f"http://upstream.test:{server.port}/")).body == b"hello"
    assert len(resolver.queries) == 1
    with pytest.raises(OutboundRefused, match="metadata"):
        await client.fetch("GET", f"http://upstream.test:{server.port}/")
    assert len(server.requests) == 1
    await client.aclose()


async def test_client_rebound_name_is_refused(server: ScriptedServer) -> None:
    client = CheckedClient(
        lambda: OutboundPolicy(ports=(server.port,)), LIMITS, FakeResolver(public_test=[("127.0.0.1",)])
    )
    with pytest.raises(OutboundRefused, match=r"127\.0\.0\.1 is loopback.*outbound\.allowed_hosts"):
        await client.fetch("GET", f"https://public.test:{server.port}/")
    assert server.requests == []
    await client.aclose()


async def test_client_redirects_are_bounded(server: ScriptedServer) -> None:
    client = client_for("127.0.0.1")
    server.answers["/a"] = respond_with(b"", "302 Found", location="/b")
    server.answers["/b"] = respond_with(b"", "307 Temporary Redirect", location=f"{server.url}/c")
    assert (await client.fetch("GET", f"{server.url}/a")).body == b"hello"
    server.answers["/c"] = respond_with(b"", "302 Found", location="/a")
    with pytest.raises(OutboundRefused, match="more than 2 times"):
        await client.fetch("GET", f"{server.url}/a")
    with pytest.raises(OutboundRefused, match="redirects a POST"):
        await client.fetch("POST", f"{server.url}/a")
    await client.aclose()


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "https://127.0.0.1/",
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://user@127.0.0.1/",
        "\\\\169.254.169.254/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ],
)
async def test_client_redirect_elsewhere_is_refused(server: ScriptedServer, location: str) -> None:
    client = client_for("127.0.0.1")
    server.answers["/a"] = respond_with(b"", "302 Found", location=location)
    with pytest.raises((OutboundRefused, InvalidRequest)):
        await client.fetch("GET", f"{server.url}/a", key=OriginKey(server.url, SecretStr("hunter2")))
    assert len(server.requests) == 1
    await client.aclose()


async def test_client_key_is_sent_to_its_origin_only(server: ScriptedServer) -> None:
    client = client_for("127.0.0.1", "upstream.test", resolver=FakeResolver(upstream_test=[("127.0.0.1",)]))
    key = OriginKey(server.url, SecretStr("hunter2"))
    await client.fetch("GET", f"{server.url}/", key=key, headers={"Authorization": "Bearer other"})
    assert server.requests[0].lower().count("authorization: bearer hunter2") == 1
    assert "other" not in server.requests[0]
    for elsewhere in (f"http://upstream.test:{server.port}/", "https://127.0.0.1/", "http://127.0.0.1:1/"):
        with pytest.raises(OutboundRefused, match="not sent to") as caught:
            await client.fetch("GET", elsewhere, key=key)
        assert "hunter2" not in f"{caught.value} {key!r}"
    assert len(server.requests) == 1
    await client.aclose()


async def test_client_body_above_max_bytes_is_cut_off(server: ScriptedServer) -> None:
    client = client_for("127.0.0.1")
    server.answers["/"] = respond_with(b"x" * 60_000)
    with pytest.raises(ResponseTooLarge):
        await client.fetch("GET", f"{server.url}/")
    await client.aclose()


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_client_refuses_compressed_response(server: ScriptedServer, encoding: str) -> None:
    client = client_for("127.0.0.1")
    server.answers["/"] = respond_with(gzip.compress(b"hello"), content_encoding=encoding)
    with pytest.raises(Unavailable, match="compressed"):
        await client.fetch("GET", f"{server.url}/", headers={"Accept-Encoding": "gzip"})
    assert "Accept-Encoding: identity" in server.requests[0]
    assert "Accept-Encoding: gzip" not in server.requests[0]
    await client.aclose()


async def test_client_slow_response_times_out(server: ScriptedServer) -> None:
    client = client_for(
        "127.0.0.1", limits=OutboundLimits(connect_timeout_s=0.3, read_timeout_s=0.3, total_timeout_s=0.8)
    )
    server.answers |= {"/silent": never_respond, "/slow": respond_endlessly(0.1)}
    for path, error in (("/silent", Unavailable), ("/slow", EngineTimeout)):
        began = time.monotonic()
        with pytest.raises(error):
            await client.fetch("GET", f"{server.url}{path}")
        assert time.monotonic() - began < 1.5
    await client.aclose()


async def test_client_slow_resolver_times_out(server: ScriptedServer) -> None:
    class Hanging(FakeResolver):
        async def resolve(self, host: str, port: int) -> tuple[str, ...]:
            await asyncio.sleep(30)
            return ()

    client = client_for(limits=OutboundLimits(connect_timeout_s=0.2, total_timeout_s=1), resolver=Hanging())
    with pytest.raises(Unavailable):
        await client.fetch("GET", "https://example.org/")
    await client.aclose()


async def test_client_closed_port_and_unknown_name_are_unreachable(server: ScriptedServer) -> None:
    client = client_for("127.0.0.1:1", "nowhere.test")
    for url in ("http://127.0.0.1:1/", "http://nowhere.test/"):
        with pytest.raises(UpstreamUnreachable):
            await client.fetch("GET", url)
    await client.aclose()


@pytest.mark.parametrize("value", ["x\r\nHost: 127.0.0.1", "x\ny", "x\0"])
async def test_client_header_injection_is_rejected(server: ScriptedServer, value: str) -> None:
    client = client_for("127.0.0.1")
    with pytest.raises(InvalidRequest):
        await client.fetch("GET", f"{server.url}/", headers={"x-name": value})
    await client.fetch("GET", f"{server.url}/", headers={"Host": "evil.test"})
    assert "evil" not in server.requests[0]
    await client.aclose()


async def test_client_policy_change_applies_to_next_request(server: ScriptedServer) -> None:
    policies = [OutboundPolicy.from_settings(OutboundSettings(allowed_hosts=("127.0.0.1",)))]
    client = CheckedClient(lambda: policies[-1], LIMITS)
    assert (await client.fetch("GET", f"{server.url}/")).status == 200
    policies.append(OutboundPolicy())
    with pytest.raises(OutboundRefused):
        await client.fetch("GET", f"{server.url}/")
    await client.aclose()


async def test_client_policy_change_ends_open_connections(tmp_path: Path) -> None:
    certificate, key = _certificate("upstream.test", tmp_path)
    serving_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving_tls.load_cert_chain(certificate, key)
    async with run_server(serving_tls) as server:
        server.keep_alive = True
        server.answers["/"] = respond_with(b"hello", connection="keep-alive")
        public = OutboundPolicy(ports=(server.port,))
        policies = [replace(public, allowed=(AllowedHost.parse("upstream.test"),))]
        resolver = FakeResolver(upstream_test=[("127.0.0.1",)])
        client = CheckedClient(
            lambda: policies[-1], LIMITS, resolver, ssl.create_default_context(cafile=str(certificate))
        )
        for _ in range(2):
            assert (await client.fetch("GET", f"https://upstream.test:{server.port}/")).body == b"hello"
        assert resolver.queries == ["upstream.test"]
        policies.append(public)
        with pytest.raises(OutboundRefused, match="loopback"):
            await client.fetch("GET", f"https://upstream.test:{server.port}/")
        assert len(server.requests) == 2
        await client.aclose()


async def test_client_tls_verifies_host_name(tmp_path: Path) -> None:
    certificate, key = _certificate("upstream.test", tmp_path)
    serving_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving_tls.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with run_server(serving_tls) as server:
        resolver = FakeResolver(upstream_test=[("127.0.0.1",)], other_test=[("127.0.0.1",)])
        policy = OutboundPolicy.from_settings(OutboundSettings(allowed_hosts=("upstream.test", "other.test")))
        client = CheckedClient(lambda: policy, LIMITS, resolver, trusting)
        assert (await client.fetch("GET", f"https://upstream.test:{server.port}/")).body == b"hello"
        with pytest.raises(Unavailable, match="certificate"):
            await client.fetch("GET", f"https://other.test:{server.port}/")
        await client.aclose()


def _certificate(name: str, folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, secret
