"""A pull goes where it may: public servers, the hub's own hosts, and what an operator or an administrator opened."""

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
from tests.unit.models.conftest import WEIGHTS, RecordingProgressListener, make_model, pinned_file
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.outbound.scripted_server import FakeResolver

FILE = "/someone/voice/resolve/v1/weights.bin"
OF_HUB = make_model(
    files=[pinned_file("weights.bin", WEIGHTS)], sources=[{"hf": {"repo": "someone/voice", "revision": "v1"}}]
)


@pytest.fixture
def cdn() -> Iterator[FakeFileServer]:
    with run_file_server(FakeFileServer(files={"/weights.bin": WEIGHTS})) as running:
        yield running


def place(site: FakeFileServer) -> str:
    return site.url.removeprefix("http://")


def port(site: FakeFileServer) -> str:
    return site.url.rpartition(":")[2]


def over(url: str) -> CatalogueModel:
    return make_model(files=[pinned_file("weights.bin", WEIGHTS)], sources=[{"https": {"urls": {"weights.bin": url}}}])


def bring(
    chosen: CatalogueModel, store: ModelStore, web: ModelWebAccess, progress: RecordingProgressListener | None = None
) -> ModelManifest:
    return pull_model(chosen, store, SourceFetcher(web, sleep=lambda seconds: None), listener=progress)


def office(*allowed: str) -> ModelWebAccess:
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
def test_a_catalogue_address_that_turns_out_to_be_an_inner_one_is_refused(
    store: ModelStore, address: str, reason: str
) -> None:
    resolver = FakeResolver(models_test=[("93.184.216.34", address)])
    with pytest.raises(SourceFailed, match=reason):
        bring(over("https://models.test/weights.bin"), store, ModelWebAccess.from_environment({}, resolver=resolver))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://models.test/weights.bin", "hosts that are not listed need https; add models.test:80 to"),
        ("https://models.test:6379/weights.bin", "port 6379 is not one of 443, 8443; add models.test:6379 to"),
    ],
)
def test_a_public_server_is_asked_over_https_at_its_own_ports_only(store: ModelStore, url: str, reason: str) -> None:
    resolver = FakeResolver(models_test=[("93.184.216.34",)])
    with pytest.raises(SourceFailed, match=f"{reason} SECRETARY_MODEL_HOSTS"):
        bring(over(url), store, ModelWebAccess.from_environment({}, resolver=resolver))
    assert resolver.asked == []


def test_a_metadata_service_stays_closed_to_operators_and_administrators(store: ModelStore) -> None:
    for web in (ModelWebAccess.from_environment({}, parse_allowed_hosts("169.254.0.0/16")), office("169.254.169.254")):
        with pytest.raises(SourceFailed, match="metadata service"):
            bring(over("http://169.254.169.254/latest/meta-data/"), store, web)


def test_an_office_names_its_own_setting_and_counts_it_at_once(store: ModelStore, cdn: FakeFileServer) -> None:
    allowed: list[str] = []
    web = ModelWebAccess.from_environment({}, settings=lambda: OutboundSettings(allowed_hosts=tuple(allowed)))
    with pytest.raises(SourceFailed, match=rf"add {place(cdn)} to the setting outbound\.allowed_hosts"):
        bring(over(f"{cdn.url}/weights.bin"), store, web)
    assert cdn.requests == []
    allowed.append(place(cdn))
    assert bring(over(f"{cdn.url}/weights.bin"), store, web).source == "https"


def test_a_refused_source_leads_to_the_next(store: ModelStore, cdn: FakeFileServer) -> None:
    first, second = over("http://10.0.0.1/weights.bin"), over(f"{cdn.url}/weights.bin")
    both = first.model_copy(update={"sources": (*first.sources, *second.sources)})
    progress = RecordingProgressListener()
    bring(both, store, office(place(cdn)), progress)
    assert store.is_installed("tiny-voice")
    assert any("10.0.0.1:80 is refused" in note for note in progress.notes)


def test_a_hub_of_the_environment_may_be_an_inner_one_and_opens_nothing_else(
    store: ModelStore, site: FakeFileServer, cdn: FakeFileServer
) -> None:
    site.files[FILE] = WEIGHTS
    web = ModelWebAccess.from_environment({"HF_ENDPOINT": f"{site.url}/"}, settings=OutboundSettings)
    assert bring(OF_HUB, store, web).source == "hf"
    with pytest.raises(SourceFailed, match="is refused"):
        bring(over(f"{cdn.url}/weights.bin").model_copy(update={"id": "other"}), store, web)
    assert cdn.requests == []


@pytest.mark.parametrize("endpoint", ["mirror.lan", "https://name:password@mirror.lan", "ftp://mirror.lan"])
def test_a_hub_that_is_no_address_is_told_without_its_password(store: ModelStore, endpoint: str) -> None:
    with pytest.raises(SourceFailed, match="invalid URL") as caught:
        bring(OF_HUB, store, ModelWebAccess.from_environment({"HF_ENDPOINT": endpoint}))
    assert "name:password" not in str(caught.value)


def test_weights_behind_a_redirect_to_a_named_host_come_without_the_token(
    store: ModelStore, site: FakeFileServer, cdn: FakeFileServer
) -> None:
    site.redirects[FILE] = f"{cdn.url}/weights.bin?signature=abc"
    cdn.cuts, cdn.cut_after = 1, 50_000
    web = ModelWebAccess.from_environment(
        {"HF_ENDPOINT": site.url, "HF_TOKEN": "hf_secret"}, parse_allowed_hosts(place(cdn))
    )
    bring(OF_HUB, store, web)
    assert [headers.get("authorization") for _, headers in site.requests] == ["Bearer hf_secret"] * 2
    assert len(cdn.requests) == 2
    assert "hf_secret" not in str(cdn.requests)
    assert "range" in cdn.requests[1][1]
    assert "hf_secret" not in repr(web)


@pytest.mark.parametrize("allowed", [(), ("127.0.0.1",)])
def test_a_redirect_of_the_hub_to_another_host_is_refused(
    store: ModelStore, site: FakeFileServer, cdn: FakeFileServer, allowed: tuple[str, ...]
) -> None:
    """What an administrator opened for requests is no place for a hub to send a pull to."""
    site.redirects[FILE] = f"{cdn.url}/weights.bin"
    web = ModelWebAccess.from_environment(
        {"HF_ENDPOINT": site.url}, settings=lambda: OutboundSettings(allowed_hosts=allowed)
    )
    with pytest.raises(SourceFailed, match=rf"redirects to {cdn.url}: .*add {place(cdn)} to SECRETARY_MODEL_HOSTS"):
        bring(OF_HUB, store, web)
    assert cdn.requests == []


def test_a_redirect_within_the_hub_is_followed_with_the_token(store: ModelStore, site: FakeFileServer) -> None:
    site.redirects[FILE] = "/api/resolve-cache/weights.bin"
    site.files["/api/resolve-cache/weights.bin"] = WEIGHTS
    bring(OF_HUB, store, ModelWebAccess.from_environment({"HF_ENDPOINT": site.url, "HF_TOKEN": "hf_secret"}))
    assert {headers.get("authorization") for _, headers in site.requests} == {"Bearer hf_secret"}


def test_a_host_of_the_hub_is_still_asked_by_the_policy(store: ModelStore, site: FakeFileServer) -> None:
    cdn = sorted(HUB_HOSTS)[0]
    site.redirects[FILE] = f"https://{cdn}/weights.bin"
    resolver = FakeResolver(**{cdn: [("10.0.0.1",)]})
    with pytest.raises(SourceFailed, match=rf"{cdn}:443 is refused: 10\.0\.0\.1 is private"):
        bring(OF_HUB, store, ModelWebAccess.from_environment({"HF_ENDPOINT": site.url}, resolver=resolver))
    assert resolver.asked == [cdn]


def test_a_name_is_resolved_once_for_each_connection_and_checked_each_time(
    store: ModelStore, site: FakeFileServer
) -> None:
    """The second answer is a metadata service: it is not asked while the first connection lasts, nor after it."""
    site.files[FILE] = WEIGHTS
    resolver = FakeResolver(mirror_test=[("127.0.0.1",), ("169.254.169.254",)])
    web = ModelWebAccess.from_environment({"HF_ENDPOINT": f"http://mirror.test:{port(site)}"}, resolver=resolver)
    bring(OF_HUB, store, web)
    assert resolver.asked == ["mirror.test"]
    assert site.requests[0][1]["host"] == f"mirror.test:{port(site)}"
    with pytest.raises(SourceFailed, match="metadata service"):
        bring(OF_HUB.model_copy(update={"id": "other"}), store, web)
    assert len(site.requests) == 1


def test_fifty_megabytes_of_json_are_cut_off(site: FakeFileServer) -> None:
    site.files["/api/models"] = b"[" + b"1," * 25_000_000 + b"1]"
    site.block = 1 << 20
    with pytest.raises(Unavailable, match="sends more than 10000000 bytes"):
        HubBrowser(ModelWebAccess.from_environment({"HF_ENDPOINT": site.url})).search("tiny", 5)


@pytest.mark.parametrize("answer", [b"[" * 200_000, b"\xff\xfe", b"{", b"7", b'{"sha": 1}', b"[[]]", b"null"])
def test_a_hub_that_answers_nonsense_is_told_as_such(store: ModelStore, site: FakeFileServer, answer: bytes) -> None:
    loose = make_model(sources=[{"hf": {"repo": "someone/voice", "include": ["*"]}}])
    site.files["/api/models/someone/voice/revision/main"] = answer
    site.files["/api/models/someone/voice/tree/1"] = answer
    site.files["/api/models"] = answer
    web = ModelWebAccess.from_environment({"HF_ENDPOINT": site.url})
    with pytest.raises(SourceFailed):
        bring(loose, store, web)
    with pytest.raises(Unavailable):
        HubBrowser(web).search("tiny", 5)
    with pytest.raises(Unavailable):
        HubBrowser(web).details("someone/voice")


def test_a_file_of_unknown_size_is_cut_off_far_beyond_what_the_catalogue_says(
    store: ModelStore, site: FakeFileServer
) -> None:
    small = make_model(files=[{"path": "weights.bin"}], size=1, sources=over(f"{site.url}/weights.bin").sources)
    site.files["/weights.bin"] = bytes(70 << 20)
    site.block = 1 << 20
    with pytest.raises(SourceFailed, match="sends more than"):
        bring(small, store, office(place(site)))


def test_a_listing_that_would_write_outside_is_told_as_nonsense(store: ModelStore, site: FakeFileServer) -> None:
    loose = make_model(sources=[{"hf": {"repo": "someone/voice", "include": ["*"]}}])
    site.files["/api/models/someone/voice/revision/main"] = b'{"sha": "1"}'
    for entry in ({"path": "..", "size": 1}, {"path": "a\\b", "size": 1}, {"path": "x"}, {"path": "x", "size": "?"}):
        site.files["/api/models/someone/voice/tree/1"] = json.dumps([{"type": "file", **entry}]).encode()
        with pytest.raises(SourceFailed, match="did not answer with what"):
            bring(loose, store, ModelWebAccess.from_environment({"HF_ENDPOINT": site.url}))
