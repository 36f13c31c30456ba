"""Hosts that a pull may connect to: public servers, hosts of the hub and allowed hosts."""

import json
from collections.abc import Iterator

import pytest

from deployments.administration.models.hub_browser import HubBrowser
from deployments.contracts.errors import Unavailable
from deployments.contracts.outbound import parse_allowed_hosts
from deployments.contracts.settings import OutboundSettings
from deployments.models.catalogue import CatalogueModel
from deployments.models.errors import SourceFailed
from deployments.models.model_pull import pull_model
from deployments.models.source_fetcher import SourceFetcher
from deployments.models.store import ModelManifest, ModelStore
from deployments.models.web_access import HUB_HOSTS, ModelWebAccess
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.models.sample_model import WEIGHTS, RecordingProgressListener, make_model, pinned_file
from tests.unit.outbound.scripted_server import FakeResolver

FILE = "/someone/voice/resolve/v1/weights.bin"
HUB_MODEL = make_model(
    files=[pinned_file("weights.bin", WEIGHTS)], sources=[{"hf": {"repo": "someone/voice", "revision": "v1"}}]
)


@pytest.fixture
def cdn() -> Iterator[FakeFileServer]:
    with run_file_server(FakeFileServer(files={"/weights.bin": WEIGHTS})) as running:
        yield running


def host_and_port(server: FakeFileServer) -> str:
    return server.url.removeprefix("http://")


def port(server: FakeFileServer) -> str:
    return server.url.rpartition(":")[2]


def model_at(url: str) -> CatalogueModel:
    return make_model(files=[pinned_file("weights.bin", WEIGHTS)], sources=[{"https": {"urls": {"weights.bin": url}}}])


def pull(
    model: CatalogueModel, store: ModelStore, web: ModelWebAccess, listener: RecordingProgressListener | None = None
) -> ModelManifest:
    return pull_model(model, store, SourceFetcher(web, sleep=lambda seconds: None), listener=listener)


def office_access(*allowed: str) -> ModelWebAccess:
    return ModelWebAccess.from_environment({}, settings=lambda: OutboundSettings(allowed_hosts=allowed))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", r"127\.0\.0\.1 is loopback; add models\.test:443 to SECRETARY_MODEL_HOSTS"),
        ("192.168.1.5", r"192\.168\.1\.5 is private; add models\.test:443 to SECRETARY_MODEL_HOSTS"),
        ("::ffff:10.0.0.1", "IPv4-mapped; add "),
        ("169.254.169.254", "metadata service"),
    ],
)
def test_private_address_is_refused(store: ModelStore, address: str, reason: str) -> None:
    resolver = FakeResolver(models_test=[("93.184.216.34", address)])
    with pytest.raises(SourceFailed, match=reason):
        pull(model_at("https://models.test/weights.bin"), store, ModelWebAccess.from_environment({}, resolver=resolver))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://models.test/weights.bin", "hosts that are not listed need https; add models.test:80 to"),
        ("https://models.test:6379/weights.bin", "port 6379 is not one of 443, 8443; add models.test:6379 to"),
    ],
)
def test_public_server_needs_https_and_its_ports(store: ModelStore, url: str, reason: str) -> None:
    resolver = FakeResolver(models_test=[("93.184.216.34",)])
    with pytest.raises(SourceFailed, match=f"{reason} SECRETARY_MODEL_HOSTS"):
        pull(model_at(url), store, ModelWebAccess.from_environment({}, resolver=resolver))
    assert resolver.queries == []


def test_metadata_service_cannot_be_allowed(store: ModelStore) -> None:
    for web in (
        ModelWebAccess.from_environment({}, parse_allowed_hosts("169.254.0.0/16")),
        office_access("169.254.169.254"),
    ):
        with pytest.raises(SourceFailed, match="metadata service"):
            pull(model_at("http://169.254.169.254/latest/meta-data/"), store, web)


def test_allowed_hosts_setting_applies_at_once(store: ModelStore, cdn: FakeFileServer) -> None:
    allowed: list[str] = []
    web = ModelWebAccess.from_environment({}, settings=lambda: OutboundSettings(allowed_hosts=tuple(allowed)))
    with pytest.raises(SourceFailed, match=rf"add {host_and_port(cdn)} to the setting outbound\.allowed_hosts"):
        pull(model_at(f"{cdn.url}/weights.bin"), store, web)
    assert cdn.requests == []
    allowed.append(host_and_port(cdn))
    assert pull(model_at(f"{cdn.url}/weights.bin"), store, web).source == "https"


def test_refused_source_leads_to_the_next(store: ModelStore, cdn: FakeFileServer) -> None:
    first, second = model_at("http://10.0.0.1/weights.bin"), model_at(f"{cdn.url}/weights.bin")
    both = first.model_copy(update={"sources": (*first.sources, *second.sources)})
    listener = RecordingProgressListener()
    pull(both, store, office_access(host_and_port(cdn)), listener)
    assert store.is_installed("tiny-voice")
    assert any("10.0.0.1:80 is refused" in note for note in listener.notes)


def test_private_hub_allows_no_other_host(store: ModelStore, server: FakeFileServer, cdn: FakeFileServer) -> None:
    server.files[FILE] = WEIGHTS
    web = ModelWebAccess.from_environment({"HF_ENDPOINT": f"{server.url}/"}, settings=OutboundSettings)
    assert pull(HUB_MODEL, store, web).source == "hf"
    with pytest.raises(SourceFailed, match="is refused"):
        pull(model_at(f"{cdn.url}/weights.bin").model_copy(update={"id": "other"}), store, web)
    assert cdn.requests == []


@pytest.mark.parametrize("endpoint", ["mirror.lan", "https://name:password@mirror.lan", "ftp://mirror.lan"])
def test_invalid_hub_url_hides_its_password(store: ModelStore, endpoint: str) -> None:
    with pytest.raises(SourceFailed, match="invalid URL") as caught:
        pull(HUB_MODEL, store, ModelWebAccess.from_environment({"HF_ENDPOINT": endpoint}))
    assert "name:password" not in str(caught.value)


def test_allowed_redirect_gets_no_token(store: ModelStore, server: FakeFileServer, cdn: FakeFileServer) -> None:
    server.redirects[FILE] = f"{cdn.url}/weights.bin?signature=abc"
    cdn.cuts, cdn.cut_after = 1, 50_000
    web = ModelWebAccess.from_environment(
        {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_secret"}, parse_allowed_hosts(host_and_port(cdn))
    )
    pull(HUB_MODEL, store, web)
    assert [headers.get("authorization") for _, headers in server.requests] == ["Bearer hf_secret"] * 2
    assert len(cdn.requests) == 2
    assert "hf_secret" not in str(cdn.requests)
    assert "range" in cdn.requests[1][1]
    assert "hf_secret" not in repr(web)


@pytest.mark.parametrize("allowed", [(), ("127.0.0.1",)])
def test_redirect_to_another_host_is_refused(
    store: ModelStore, server: FakeFileServer, cdn: FakeFileServer, allowed: tuple[str, ...]
) -> None:
    """Allowed hosts of the settings are not redirect targets of the hub."""
    server.redirects[FILE] = f"{cdn.url}/weights.bin"
    web = ModelWebAccess.from_environment(
        {"HF_ENDPOINT": server.url}, settings=lambda: OutboundSettings(allowed_hosts=allowed)
    )
    with pytest.raises(
        SourceFailed, match=rf"redirects to {cdn.url}: .*add {host_and_port(cdn)} to SECRETARY_MODEL_HOSTS"
    ):
        pull(HUB_MODEL, store, web)
    assert cdn.requests == []


def test_redirect_within_the_hub_keeps_the_token(store: ModelStore, server: FakeFileServer) -> None:
    server.redirects[FILE] = "/api/resolve-cache/weights.bin"
    server.files["/api/resolve-cache/weights.bin"] = WEIGHTS
    pull(HUB_MODEL, store, ModelWebAccess.from_environment({"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_secret"}))
    assert {headers.get("authorization") for _, headers in server.requests} == {"Bearer hf_secret"}


def test_hub_host_with_private_address_is_refused(store: ModelStore, server: FakeFileServer) -> None:
    cdn = sorted(HUB_HOSTS)[0]
    server.redirects[FILE] = f"https://{cdn}/weights.bin"
    resolver = FakeResolver(**{cdn: [("10.0.0.1",)]})
    with pytest.raises(SourceFailed, match=rf"{cdn}:443 is refused: 10\.0\.0\.1 is private"):
        pull(HUB_MODEL, store, ModelWebAccess.from_environment({"HF_ENDPOINT": server.url}, resolver=resolver))
    assert resolver.queries == [cdn]


def test_each_connection_checks_the_address(store: ModelStore, server: FakeFileServer) -> None:
    """The second resolution is a metadata service. An open connection does not resolve again."""
    server.files[FILE] = WEIGHTS
    resolver = FakeResolver(mirror_test=[("127.0.0.1",), ("169.254.169.254",)])
    web = ModelWebAccess.from_environment({"HF_ENDPOINT": f"http://mirror.test:{port(server)}"}, resolver=resolver)
    pull(HUB_MODEL, store, web)
    assert resolver.queries == ["mirror.test"]
    assert server.requests[0][1]["host"] == f"mirror.test:{port(server)}"
    with pytest.raises(SourceFailed, match="metadata service"):
        pull(HUB_MODEL.model_copy(update={"id": "other"}), store, web)
    assert len(server.requests) == 1


def test_large_hub_reply_is_cut_off(server: FakeFileServer) -> None:
    server.files["/api/models"] = b"[" + b"1," * 5_100_000 + b"1]"
    server.block = 1 << 20
    with pytest.raises(Unavailable, match="sends more than 10000000 bytes"):
        HubBrowser(ModelWebAccess.from_environment({"HF_ENDPOINT": server.url})).search("tiny", 5)


@pytest.mark.parametrize("answer", [b"[" * 200_000, b"\xff\xfe", b"{", b"7", b'{"sha": 1}', b"[[]]", b"null"])
def test_invalid_hub_reply_is_an_error(store: ModelStore, server: FakeFileServer, answer: bytes) -> None:
    unpinned = make_model(sources=[{"hf": {"repo": "someone/voice", "include": ["*"]}}])
    server.files["/api/models/someone/voice/revision/main"] = answer
    server.files["/api/models/someone/voice/tree/1"] = answer
    server.files["/api/models"] = answer
    web = ModelWebAccess.from_environment({"HF_ENDPOINT": server.url})
    with pytest.raises(SourceFailed):
        pull(unpinned, store, web)
    with pytest.raises(Unavailable):
        HubBrowser(web).search("tiny", 5)
    with pytest.raises(Unavailable):
        HubBrowser(web).details("someone/voice")


def test_file_of_unknown_size_is_cut_off(store: ModelStore, server: FakeFileServer) -> None:
    small = make_model(files=[{"path": "weights.bin"}], size=1, sources=model_at(f"{server.url}/weights.bin").sources)
    server.files["/weights.bin"] = bytes(70 << 20)
    server.block = 1 << 20
    with pytest.raises(SourceFailed, match="sends more than"):
        pull(small, store, office_access(host_and_port(server)))


def test_hub_listing_with_unsafe_path_is_refused(store: ModelStore, server: FakeFileServer) -> None:
    unpinned = make_model(sources=[{"hf": {"repo": "someone/voice", "include": ["*"]}}])
    server.files["/api/models/someone/voice/revision/main"] = b'{"sha": "1"}'
    for entry in ({"path": "..", "size": 1}, {"path": "a\\b", "size": 1}, {"path": "x"}, {"path": "x", "size": "?"}):
        server.files["/api/models/someone/voice/tree/1"] = json.dumps([{"type": "file", **entry}]).encode()
        with pytest.raises(SourceFailed, match="invalid reply"):
            pull(unpinned, store, ModelWebAccess.from_environment({"HF_ENDPOINT": server.url}))
