"""Models are brought, checked and taken away by id, over real files and a real HTTP server."""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deployments.administration.downloads import Downloads, puller
from deployments.administration.hub import HubDesk
from deployments.administration.models import ModelAdministration
from deployments.administration.office import Office
from deployments.administration.operations import web_of
from deployments.administration.scanning import ModelScan
from deployments.administration.trail import AuditNotes
from deployments.api.admin.models.routes import build_router
from deployments.contracts.identity import Role
from deployments.models.catalogue import Catalogue, Model
from deployments.models.store import Manifest, ModelStore
from tests.api.admin.ops import client
from tests.unit.administration.conftest import audited
from tests.unit.administration.departing import Departing
from tests.unit.engines.test_host import until
from tests.unit.models.conftest import CONFIG, WEIGHTS, model, pinned
from tests.unit.models.hub import COMMIT, REPO, hub_files
from tests.unit.models.server import Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    files = {"/weights.bin": WEIGHTS, "/config.json": CONFIG, **hub_files()}
    with serving(Site(files=files)) as running:
        yield running


@pytest.fixture
def voice(site: Site) -> Model:
    urls = {"weights.bin": f"{site.url}/weights.bin", "config.json": f"{site.url}/config.json"}
    files = [pinned("weights.bin", WEIGHTS), pinned("config.json", CONFIG)]
    return model(files=files, sources=[{"https": {"urls": urls}}])


def administration(
    office: Office,
    store: ModelStore,
    voice: Model,
    environment: dict[str, str],
    in_use: Callable[[], dict[str, str]] = dict,
    trail: AuditNotes | None = None,
) -> ModelAdministration:
    """As the office opens it, under the office's own settings."""
    web = web_of(office, environment, ())
    known, trail = Catalogue(models=(voice,)), trail or AuditNotes(office.database)
    return ModelAdministration(store, known, trail, HubDesk(web), Downloads(store, puller(web)), in_use)


class Rig:
    """The administration over its own store; ``in_use`` may be filled by a test."""

    def __init__(self, office: Office, site: Site, voice: Model, folder: Path) -> None:
        self.office, self.site = office, site
        self.store = ModelStore(folder, Catalogue(models=(voice,)))
        self.in_use: dict[str, str] = {}
        self.models = administration(office, self.store, voice, {"HF_ENDPOINT": site.url}, lambda: self.in_use)

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with client(build_router(self.models)) as opened:
            yield opened
        await self.models.close()

    async def ended(self, http: httpx.AsyncClient, what: str = "download") -> dict[str, object]:
        async with asyncio.timeout(10):
            while (status := (await http.get(f"/models/{what}/status")).json())["state"] == "running":
                await asyncio.sleep(0.01)
        return status  # type: ignore[no-any-return]


def held_model(store: ModelStore, model_id: str, *more: str) -> Path:
    """A model whose first file is a pipe, at which a scan waits until somebody has written into it; returns it."""
    folder = store.directory(model_id)
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    for name in more:
        (folder / name).touch()
    empty = hashlib.sha256().hexdigest()
    write_manifest(folder, model_id, [{"path": name, "size": 0, "sha256": empty} for name in ("pipe", *more)])
    return folder / "pipe"


async def let_go(pipe: Path) -> None:
    """Lets the reader of the pipe go on, once it is there."""
    async with asyncio.timeout(10):
        while True:
            try:
                return os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                await asyncio.sleep(0.01)


def write_manifest(folder: Path, model_id: str, files: list[dict[str, object]]) -> None:
    manifest = {
        "id": model_id,
        "revision": "1",
        "source": "hf",
        "installed_at": "2026-01-01T00:00:00Z",
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def rig(office: Office, site: Site, voice: Model, tmp_path: Path) -> Rig:
    return Rig(office, site, voice, tmp_path / "models")


async def test_a_model_of_the_catalogue_is_brought_with_progress_and_listed(rig: Rig) -> None:
    async with rig.http() as http:
        (before,) = (await http.get("/models/list")).json()["models"]
        assert (before["id"], before["installed"], before["in_catalogue"]) == ("tiny-voice", False, True)
        begun = (await http.post("/models/download", json={"model_id": "tiny-voice"})).json()
        assert (begun["state"], begun["model_id"]) == ("running", "tiny-voice")
        ended = await rig.ended(http)
        assert (ended["state"], ended["source"], ended["done"]) == ("finished", "https", len(WEIGHTS) + len(CONFIG))
        assert ended["files"] == [
            {"path": "weights.bin", "done": len(WEIGHTS), "total": len(WEIGHTS)},
            {"path": "config.json", "done": len(CONFIG), "total": len(CONFIG)},
        ]
        (after,) = (await http.get("/models/list")).json()["models"]
        assert (after["installed"], after["revision"], after["source"]) == (True, "r1", "https")
    assert (await audited(rig.office))[0] == ("anna", "download", "model")


async def test_a_download_can_be_cancelled_and_goes_on_where_it_was(rig: Rig) -> None:
    rig.site.delay_s = 0.02
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        async with asyncio.timeout(5):
            while not (await http.get("/models/download/status")).json()["done"]:
                await asyncio.sleep(0.01)
        second = await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (second.status_code, second.json()["error"]["code"]) == (409, "conflict")
        await http.post("/models/download/cancel")
        ended = await rig.ended(http)
        assert ended["state"] == "cancelled"
        assert not rig.store.installed("tiny-voice")
        assert (await http.get("/models/list")).json()["models"][0]["unfinished_bytes"] > 0
        rig.site.delay_s = 0
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (await rig.ended(http))["state"] == "finished"
    assert any("range" in headers for headers in rig.site.asked("/weights.bin"))


async def test_what_was_noted_is_done_although_who_asked_has_gone(rig: Rig, voice: Model, departing: Departing) -> None:
    trail = AuditNotes(departing)
    models = administration(rig.office, rig.store, voice, {}, trail=trail)
    (rig.store.root / "strange").mkdir(parents=True)
    await departing.leave(lambda: models.delete("strange", "anna"))
    await departing.leave(lambda: models.scan("anna"))
    await departing.leave(lambda: models.download("tiny-voice", "anna"))
    await trail.close()
    assert await departing.said() == [("download", "model"), ("scan", "model"), ("delete", "model")]
    assert not (rig.store.root / "strange").exists()
    assert models.scan_status().state != "idle"
    assert models.download_status().model_id == "tiny-voice"
    await models.close()


async def test_a_download_ends_with_the_office(rig: Rig) -> None:
    rig.site.delay_s = 0.05
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            await rig.models.close()
        assert (await http.get("/models/download/status")).json()["state"] == "cancelled"
        assert (await http.post("/models/download", json={"model_id": "tiny-voice"})).status_code == 503


async def test_a_download_that_fails_says_why(rig: Rig) -> None:
    rig.site.status["/weights.bin"] = 403
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        ended = await rig.ended(http)
    assert ended["state"] == "failed"
    assert "refuses" in str(ended["error"])


async def test_a_repository_of_the_hub_is_brought_pinned_and_checked(rig: Rig) -> None:
    async with rig.http() as http:
        await http.post("/models/download", json={"repo_id": "acme/Tiny", "kind": "chat"})
        ended = await rig.ended(http)
        assert (ended["state"], ended["error"]) == ("finished", None)
        listed = (await http.get("/models/list")).json()["models"]
        (other,) = [each for each in listed if not each["in_catalogue"]]
        assert (other["id"], other["installed"], other["revision"]) == ("hf-acme--tiny", True, COMMIT)
        assert (await http.delete("/models/hf-acme--tiny")).json()["freed"] >= len(WEIGHTS)
    assert not rig.store.directory("hf-acme--tiny").exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model_id": "nobody"}, 404),
        ({}, 422),
        ({"model_id": "tiny-voice", "repo_id": "a/b"}, 422),
        ({"repo_id": "../../etc"}, 400),
        ({"repo_id": "a/b/c"}, 400),
        ({"repo_id": "https://a/b"}, 400),
        ({"repo_id": "a/b", "revision": "../x"}, 422),
    ],
)
async def test_what_cannot_be_brought_is_refused_at_once(rig: Rig, body: dict[str, str], status: int) -> None:
    async with rig.http() as http:
        assert (await http.post("/models/download", json=body)).status_code == status
        assert (await http.get("/models/download/status")).json()["state"] == "idle"


async def test_the_hub_can_be_searched_and_a_repository_looked_at(rig: Rig) -> None:
    async with rig.http() as http:
        (found,) = (await http.get("/models/search", params={"query": "tiny"})).json()["models"]
        assert (found["repo_id"], found["licence"], found["downloads"]) == ("acme/Tiny", "mit", 5)
        details = (await http.get("/models/details/acme/Tiny")).json()
        assert (details["revision"], details["size"], len(details["files"])) == (COMMIT, 7, 2)
        assert (await http.get("/models/details/acme/None")).status_code == 404
        assert (await http.get("/models/details/..%2F..")).status_code == 400


async def test_a_hub_that_cannot_be_reached_is_told_with_the_reason(rig: Rig, voice: Model) -> None:
    models = administration(rig.office, rig.store, voice, {"HF_ENDPOINT": "http://127.0.0.1:9"})
    async with client(build_router(models)) as http:
        reply = await http.get("/models/search", params={"query": "tiny"})
        assert reply.status_code == 503
        assert "127.0.0.1 cannot be reached" in reply.json()["error"]["message"]
        rig.site.files["/api/models"] = b'{"error": "no list"}'
    async with rig.http() as http:
        assert (await http.get("/models/search", params={"query": "tiny"})).status_code == 503


async def test_a_hub_that_hangs_is_asked_two_questions_at_once(rig: Rig) -> None:
    rig.site.held.clear()
    async with rig.http() as http:
        asked = [asyncio.create_task(http.get("/models/search", params={"query": "tiny"})) for _ in range(2)]
        await until(lambda: len(rig.site.requests) == 2)
        for path in ("/models/search?query=tiny", "/models/details/acme/Tiny"):
            refused = await http.get(path)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        rig.site.held.set()
        assert {(await reply).status_code for reply in asked} == {200}
        assert len(rig.site.requests) == 2


async def test_a_download_and_a_scan_hold_no_thread_of_everybody(rig: Rig) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    rig.site.held.clear()
    pipe = held_model(rig.store, "held")
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await http.post("/models/scan")
        await until(lambda: rig.site.requests and rig.models.scan_status().current == "held")
        try:
            async with asyncio.timeout(5):
                await asyncio.to_thread(lambda: None)
            assert rig.models.scan_status().state == "running"
        finally:
            rig.site.held.set()
            await let_go(pipe)
        assert (await rig.ended(http))["state"] == (await rig.ended(http, "scan"))["state"] == "finished"


async def test_a_model_in_memory_is_not_taken_away(rig: Rig) -> None:
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await rig.ended(http)
        rig.in_use["tiny-voice"] = "voice"
        refused = await http.delete("/models/tiny-voice")
        assert (refused.status_code, refused.json()["error"]["message"]) == (
            409,
            "voice uses tiny-voice; stop voice first",
        )
        assert rig.store.installed("tiny-voice")
        rig.in_use.clear()
        assert (await http.delete("/models/tiny-voice")).status_code == 200
        assert (await http.delete("/models/tiny-voice")).status_code == 404
    assert (await audited(rig.office))[0] == ("anna", "delete", "model")


@pytest.mark.parametrize("name", ["..", ".partial", "..%2Foutside", "%2e%2e", "link"])
async def test_nothing_but_a_model_is_taken_away(rig: Rig, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    rig.store.root.mkdir()
    (rig.store.root / "link").symlink_to(outside)
    async with rig.http() as http:
        assert (await http.delete(f"/models/{name}")).status_code in (404, 405, 307)
    assert (outside / "file").exists()
    assert rig.store.root.exists()


async def test_a_scan_reads_every_byte_and_finds_what_is_damaged(rig: Rig) -> None:
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await rig.ended(http)
        (rig.store.root / "strange").mkdir()
        await http.post("/models/scan")
        whole = await rig.ended(http, "scan")
        assert (whole["state"], whole["done"], whole["total"]) == ("finished", whole["total"], whole["total"])
        assert [(each["id"], each["status"]) for each in whole["findings"]] == [  # type: ignore[attr-defined]
            ("strange", "unknown"),
            ("tiny-voice", "whole"),
        ]
        path = rig.store.directory("tiny-voice") / "weights.bin"
        path.write_bytes(WEIGHTS[:-1] + b"\x00")
        await http.post("/models/scan")
        damaged = (await rig.ended(http, "scan"))["findings"][1]  # type: ignore[index]
        assert (damaged["status"], damaged["detail"]) == ("damaged", "contents differ: weights.bin")


async def test_a_model_that_is_taken_away_during_a_scan_is_told_and_ends_nothing(rig: Rig) -> None:
    pipe = held_model(rig.store, "held", "next")
    shutil.copytree(rig.store.directory("held"), rig.store.directory("other"), ignore=lambda *_: ["pipe"])
    (rig.store.root / "strange").mkdir()
    async with rig.http() as http:
        await http.post("/models/scan")
        await until(lambda: rig.models.scan_status().current == "held")
        aside = pipe.parent.rename(rig.store.root.parent / "aside")
        await let_go(aside / "pipe")
        scanned = await rig.ended(http, "scan")
    assert (scanned["state"], scanned["done"]) == ("finished", scanned["total"])
    assert {each["id"]: each["status"] for each in scanned["findings"]} == {  # type: ignore[attr-defined]
        "held": "gone",
        "other": "incomplete",
        "strange": "unknown",
    }


async def test_a_copied_folder_is_read_itself(rig: Rig) -> None:
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await rig.ended(http)
        copy = rig.store.root / "copy"
        shutil.copytree(rig.store.directory("tiny-voice"), copy)
        (copy / "weights.bin").write_bytes(WEIGHTS[:-1] + b"\x00")
        await http.post("/models/scan")
        findings = (await rig.ended(http, "scan"))["findings"]
    statuses = {each["id"]: each["status"] for each in findings}  # type: ignore[attr-defined]
    assert statuses == {"copy": "damaged", "tiny-voice": "whole"}


@pytest.mark.parametrize("path", ["no\0file", "../nobody/data"])
async def test_a_strange_manifest_ends_neither_list_nor_scan(rig: Rig, path: str) -> None:
    folder = rig.store.directory("strange")
    folder.mkdir(parents=True)
    write_manifest(folder, "../strange", [{"path": path, "size": 0, "sha256": ""}])
    async with rig.http() as http:
        listed = (await http.get("/models/list")).json()["models"]
        assert [each["installed"] for each in listed if each["id"] == "strange"] == [False]
        await http.post("/models/scan")
        scanned = await rig.ended(http, "scan")
    assert (scanned["state"], scanned["findings"][0]["status"]) == ("finished", "incomplete")  # type: ignore[index]


async def test_a_scan_that_fails_says_so(tmp_path: Path) -> None:
    class Unreadable(ModelStore):
        def manifest(self, model_id: str) -> Manifest | None:
            raise RecursionError

    (tmp_path / "strange").mkdir()
    scan = ModelScan(Unreadable(tmp_path))
    scan.start()
    await until(lambda: scan.status().state != "running")
    assert (scan.status().state, scan.status().error) == ("failed", "strange cannot be read (RecursionError)")
    await scan.close()


async def test_a_scan_can_be_cancelled(rig: Rig) -> None:
    folder = rig.store.directory("large")
    folder.mkdir(parents=True)
    with (folder / "data").open("wb") as file:
        file.truncate(4 << 30)
    write_manifest(folder, "large", [{"path": "data", "size": 4 << 30, "sha256": "0" * 64}])
    async with rig.http() as http:
        await http.post("/models/scan")
        assert (await http.post("/models/scan")).status_code == 409
        await http.post("/models/scan/cancel")
        assert (await rig.ended(http, "scan"))["state"] == "cancelled"


async def test_a_model_of_an_inner_server_comes_once_the_setting_opens_it(rig: Rig, voice: Model) -> None:
    rig.models = administration(rig.office, rig.store, voice, {})
    place = rig.site.url.removeprefix("http://")
    async with rig.http() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        refused = await rig.ended(http)
        assert refused["state"] == "failed"
        assert f"{place} in the setting outbound.allowed_hosts opens it" in str(refused["error"])
        assert rig.site.requests == []
        await rig.office.settings.adjust({"allowed_hosts": [place]}, "anna", "outbound", role=Role.ADMIN)
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (await rig.ended(http))["state"] == "finished"


async def test_a_hub_that_sends_too_much_or_leads_elsewhere_is_told(rig: Rig) -> None:
    rig.site.files["/api/models"] = b"[" + b"1," * 25_000_000 + b"1]"
    rig.site.redirects[f"{REPO}/revision/main"] = "http://169.254.169.254/latest/meta-data/"
    rig.site.block = 1 << 20
    async with rig.http() as http:
        reply = await http.get("/models/search", params={"query": "tiny"})
        assert (reply.status_code, "sends more than" in reply.json()["error"]["message"]) == (503, True)
        reply = await http.get("/models/details/acme/Tiny")
        assert (reply.status_code, "are not followed" in reply.json()["error"]["message"]) == (503, True)
