"""Routes of ``/models``: download, hub and deletion, with real files and a real HTTP server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.api.admin.models.routes import build_router
from deployments.contracts.identity import Role
from deployments.models.catalogue import CatalogueModel
from tests.api.admin.model_rig import ModelRig, add_model_blocked_on_pipe, build_model_administration, unblock_pipe
from tests.api.admin.router_client import router_client
from tests.unit.administration.cancelling_database import CancellingDatabase
from tests.unit.administration.conftest import audited
from tests.unit.models.hub_responses import COMMIT, REPO
from tests.unit.models.sample_model import CONFIG, WEIGHTS
from tests.waiting import wait_until


async def test_download_has_progress_and_is_listed(rig: ModelRig) -> None:
    async with rig.client() as http:
        (before,) = (await http.get("/models/list")).json()["models"]
        assert (before["id"], before["installed"], before["in_catalogue"]) == ("tiny-voice", False, True)
        begun = (await http.post("/models/download", json={"model_id": "tiny-voice"})).json()
        assert (begun["state"], begun["model_id"]) == ("running", "tiny-voice")
        ended = await rig.wait_until_ended(http)
        assert (ended["state"], ended["source"], ended["done"]) == ("finished", "https", len(WEIGHTS) + len(CONFIG))
        assert ended["files"] == [
            {"path": "weights.bin", "done": len(WEIGHTS), "total": len(WEIGHTS)},
            {"path": "config.json", "done": len(CONFIG), "total": len(CONFIG)},
        ]
        (after,) = (await http.get("/models/list")).json()["models"]
        storage = (await http.get("/models/storage")).json()
        assert storage["models"] >= after["size"] > 0
        assert storage["total"] >= storage["free"] > 0
        assert (after["installed"], after["revision"], after["source"]) == (True, "r1", "https")
    assert (await audited(rig.office))[0] == ("anna", "download", "model")


async def test_download_cancelled_resumes(rig: ModelRig) -> None:
    rig.site.delay_s = 0.02
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        async with asyncio.timeout(5):
            while not (await http.get("/models/download/status")).json()["done"]:
                await asyncio.sleep(0.01)
        second = await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (second.status_code, second.json()["error"]["code"]) == (409, "conflict")
        await http.post("/models/download/cancel")
        ended = await rig.wait_until_ended(http)
        assert ended["state"] == "cancelled"
        assert not rig.store.is_installed("tiny-voice")
        assert (await http.get("/models/list")).json()["models"][0]["unfinished_bytes"] > 0
        rig.site.delay_s = 0
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (await rig.wait_until_ended(http))["state"] == "finished"
    assert any("range" in headers for headers in rig.site.requests_for("/weights.bin"))


async def test_restricting_licence_is_accepted_in_the_request(rig: ModelRig, voice: CatalogueModel) -> None:
    terms = {"accept_licence": True, "licence": "CPML", "licence_url": "https://example.org/cpml"}
    models = build_model_administration(rig.office, rig.store, voice.model_copy(update=terms), {})
    async with router_client(build_router(models)) as http:
        (listed,) = (await http.get("/models/list")).json()["models"]
        assert {name: listed[name] for name in terms} == terms
        refused = await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "accept_licence")
        assert "https://example.org/cpml" in refused.json()["error"]["message"]
        begun = await http.post("/models/download", json={"model_id": "tiny-voice", "accept_licence": True})
        assert begun.json()["state"] == "running"
        await rig.wait_until_ended(http)
    await models.close()


async def test_model_actions_complete_after_cancellation(
    rig: ModelRig, voice: CatalogueModel, cancelling_database: CancellingDatabase
) -> None:
    recorder = AuditRecorder(cancelling_database)
    models = build_model_administration(rig.office, rig.store, voice, {}, audit_recorder=recorder)
    (rig.store.root / "strange").mkdir(parents=True)
    await cancelling_database.cancel_after_commit(lambda: models.delete("strange", "anna"))
    await cancelling_database.cancel_after_commit(lambda: models.scan("anna"))
    await cancelling_database.cancel_after_commit(lambda: models.download("tiny-voice", "anna"))
    await recorder.close()
    assert await cancelling_database.audit_rows() == [("download", "model"), ("scan", "model"), ("delete", "model")]
    assert not (rig.store.root / "strange").exists()
    assert models.scan_status().state != "idle"
    assert models.download_status().model_id == "tiny-voice"
    await models.close()


async def test_download_stops_with_office(rig: ModelRig) -> None:
    rig.site.delay_s = 0.05
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            await rig.models.close()
        assert (await http.get("/models/download/status")).json()["state"] == "cancelled"
        assert (await http.post("/models/download", json={"model_id": "tiny-voice"})).status_code == 503


async def test_download_failure_has_reason(rig: ModelRig) -> None:
    rig.site.status["/weights.bin"] = 403
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        ended = await rig.wait_until_ended(http)
    assert ended["state"] == "failed"
    assert "refuses" in str(ended["error"])


async def test_hub_download_is_pinned_and_verified(rig: ModelRig) -> None:
    async with rig.client() as http:
        await http.post("/models/download", json={"repo_id": "acme/Tiny", "kind": "chat"})
        ended = await rig.wait_until_ended(http)
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
async def test_download_of_unknown_model_is_rejected(rig: ModelRig, body: dict[str, str], status: int) -> None:
    async with rig.client() as http:
        assert (await http.post("/models/download", json=body)).status_code == status
        assert (await http.get("/models/download/status")).json()["state"] == "idle"


async def test_hub_search_and_details(rig: ModelRig) -> None:
    async with rig.client() as http:
        (found,) = (await http.get("/models/search", params={"query": "tiny"})).json()["models"]
        assert (found["repo_id"], found["licence"], found["downloads"]) == ("acme/Tiny", "mit", 5)
        details = (await http.get("/models/details/acme/Tiny")).json()
        assert (details["revision"], details["size"], len(details["files"])) == (COMMIT, 7, 2)
        assert (await http.get("/models/details/acme/None")).status_code == 404
        assert (await http.get("/models/details/..%2F..")).status_code == 400


async def test_hub_unreachable_is_503_with_reason(rig: ModelRig, voice: CatalogueModel) -> None:
    models = build_model_administration(rig.office, rig.store, voice, {"HF_ENDPOINT": "http://127.0.0.1:9"})
    async with router_client(build_router(models)) as http:
        reply = await http.get("/models/search", params={"query": "tiny"})
        assert reply.status_code == 503
        assert "127.0.0.1 cannot be reached" in reply.json()["error"]["message"]
        rig.site.files["/api/models"] = b'{"error": "no list"}'
    async with rig.client() as http:
        assert (await http.get("/models/search", params={"query": "tiny"})).status_code == 503


async def test_hub_allows_two_parallel_calls(rig: ModelRig) -> None:
    rig.site.unblocked.clear()
    async with rig.client() as http:
        asked = [asyncio.create_task(http.get("/models/search", params={"query": "tiny"})) for _ in range(2)]
        await wait_until(lambda: len(rig.site.requests) == 2)
        for path in ("/models/search?query=tiny", "/models/details/acme/Tiny"):
            refused = await http.get(path)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        rig.site.unblocked.set()
        assert {(await reply).status_code for reply in asked} == {200}
        assert len(rig.site.requests) == 2


async def test_download_and_scan_use_own_threads(rig: ModelRig) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    rig.site.unblocked.clear()
    pipe = add_model_blocked_on_pipe(rig.store, "held")
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await http.post("/models/scan")
        await wait_until(lambda: rig.site.requests and rig.models.scan_status().current == "held")
        try:
            async with asyncio.timeout(5):
                await asyncio.to_thread(lambda: None)
            assert rig.models.scan_status().state == "running"
        finally:
            rig.site.unblocked.set()
            await unblock_pipe(pipe)
        assert (
            (await rig.wait_until_ended(http))["state"]
            == (await rig.wait_until_ended(http, "scan"))["state"]
            == "finished"
        )


async def test_delete_of_loaded_model_is_409(rig: ModelRig) -> None:
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await rig.wait_until_ended(http)
        rig.in_use["tiny-voice"] = "voice"
        refused = await http.delete("/models/tiny-voice")
        assert (refused.status_code, refused.json()["error"]["message"]) == (
            409,
            "voice uses tiny-voice; stop voice first",
        )
        assert rig.store.is_installed("tiny-voice")
        rig.in_use.clear()
        assert (await http.delete("/models/tiny-voice")).status_code == 200
        assert (await http.delete("/models/tiny-voice")).status_code == 404
    assert (await audited(rig.office))[0] == ("anna", "delete", "model")


@pytest.mark.parametrize("name", ["..", ".partial", "..%2Foutside", "%2e%2e", "link"])
async def test_delete_of_other_path_is_404(rig: ModelRig, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    rig.store.root.mkdir()
    (rig.store.root / "link").symlink_to(outside)
    async with rig.client() as http:
        assert (await http.delete(f"/models/{name}")).status_code in (404, 405, 307)
    assert (outside / "file").exists()
    assert rig.store.root.exists()


async def test_download_from_inner_host_needs_setting(rig: ModelRig, voice: CatalogueModel) -> None:
    rig.models = build_model_administration(rig.office, rig.store, voice, {})
    place = rig.site.url.removeprefix("http://")
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        refused = await rig.wait_until_ended(http)
        assert refused["state"] == "failed"
        assert f"add {place} to the setting outbound.allowed_hosts" in str(refused["error"])
        assert rig.site.requests == []
        await rig.office.settings.update_fields({"allowed_hosts": [place]}, "anna", "outbound", role=Role.ADMIN)
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        assert (await rig.wait_until_ended(http))["state"] == "finished"


async def test_hub_oversized_or_redirected_is_503(rig: ModelRig) -> None:
    rig.site.files["/api/models"] = b"[" + b"1," * 25_000_000 + b"1]"
    rig.site.redirects[f"{REPO}/revision/main"] = "http://169.254.169.254/latest/meta-data/"
    rig.site.block = 1 << 20
    async with rig.client() as http:
        reply = await http.get("/models/search", params={"query": "tiny"})
        assert (reply.status_code, "sends more than" in reply.json()["error"]["message"]) == (503, True)
        reply = await http.get("/models/details/acme/Tiny")
        assert (reply.status_code, "are not followed" in reply.json()["error"]["message"]) == (503, True)
