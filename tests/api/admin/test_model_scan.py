"""Model scans: damaged, deleted and unknown models are reported, and a scan can be cancelled."""

import shutil
from pathlib import Path

import pytest

from deployments.administration.models.model_scan import ModelScan
from deployments.models.store import ModelManifest, ModelStore
from tests.api.admin.model_rig import ModelRig, add_model_blocked_on_pipe, unblock_pipe, write_manifest
from tests.unit.models.sample_model import WEIGHTS
from tests.waiting import wait_until


async def test_scan_finds_damaged_models(rig: ModelRig) -> None:
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await rig.wait_until_ended(http)
        (rig.store.root / "strange").mkdir()
        await http.post("/models/scan")
        whole = await rig.wait_until_ended(http, "scan")
        assert (whole["state"], whole["done"], whole["total"]) == ("finished", whole["total"], whole["total"])
        assert [(each["id"], each["status"]) for each in whole["findings"]] == [  # type: ignore[attr-defined]
            ("strange", "unknown"),
            ("tiny-voice", "whole"),
        ]
        path = rig.store.directory("tiny-voice") / "weights.bin"
        path.write_bytes(WEIGHTS[:-1] + b"\x00")
        await http.post("/models/scan")
        damaged = (await rig.wait_until_ended(http, "scan"))["findings"][1]  # type: ignore[index]
        assert (damaged["status"], damaged["detail"]) == ("damaged", "contents differ: weights.bin")


async def test_scan_reports_model_deleted_meanwhile(rig: ModelRig) -> None:
    pipe = add_model_blocked_on_pipe(rig.store, "held", "next")
    shutil.copytree(rig.store.directory("held"), rig.store.directory("other"), ignore=lambda *_: ["pipe"])
    (rig.store.root / "strange").mkdir()
    async with rig.client() as http:
        await http.post("/models/scan")
        await wait_until(lambda: rig.models.scan_status().current == "held")
        aside = pipe.parent.rename(rig.store.root.parent / "aside")
        await unblock_pipe(aside / "pipe")
        scanned = await rig.wait_until_ended(http, "scan")
    assert (scanned["state"], scanned["done"]) == ("finished", scanned["total"])
    assert {each["id"]: each["status"] for each in scanned["findings"]} == {  # type: ignore[attr-defined]
        "held": "gone",
        "other": "incomplete",
        "strange": "unknown",
    }


async def test_scan_reads_copied_folder(rig: ModelRig) -> None:
    async with rig.client() as http:
        await http.post("/models/download", json={"model_id": "tiny-voice"})
        await rig.wait_until_ended(http)
        copy = rig.store.root / "copy"
        shutil.copytree(rig.store.directory("tiny-voice"), copy)
        (copy / "weights.bin").write_bytes(WEIGHTS[:-1] + b"\x00")
        await http.post("/models/scan")
        findings = (await rig.wait_until_ended(http, "scan"))["findings"]
    statuses = {each["id"]: each["status"] for each in findings}  # type: ignore[attr-defined]
    assert statuses == {"copy": "damaged", "tiny-voice": "whole"}


@pytest.mark.parametrize("path", ["no\0file", "../nobody/data"])
async def test_scan_survives_invalid_manifest(rig: ModelRig, path: str) -> None:
    folder = rig.store.directory("strange")
    folder.mkdir(parents=True)
    write_manifest(folder, "../strange", [{"path": path, "size": 0, "sha256": ""}])
    async with rig.client() as http:
        listed = (await http.get("/models/list")).json()["models"]
        assert [each["installed"] for each in listed if each["id"] == "strange"] == [False]
        await http.post("/models/scan")
        scanned = await rig.wait_until_ended(http, "scan")
    assert (scanned["state"], scanned["findings"][0]["status"]) == ("finished", "incomplete")  # type: ignore[index]


async def test_scan_failure_is_reported(tmp_path: Path) -> None:
    class Unreadable(ModelStore):
        def manifest(self, model_id: str) -> ModelManifest | None:
            raise RecursionError

    (tmp_path / "strange").mkdir()
    scan = ModelScan(Unreadable(tmp_path))
    scan.start()
    await wait_until(lambda: scan.status().state != "running")
    assert (scan.status().state, scan.status().error) == ("failed", "strange cannot be read (RecursionError)")
    await scan.close()


async def test_scan_can_be_cancelled(rig: ModelRig) -> None:
    folder = rig.store.directory("large")
    folder.mkdir(parents=True)
    with (folder / "data").open("wb") as file:
        file.truncate(4 << 30)
    write_manifest(folder, "large", [{"path": "data", "size": 4 << 30, "sha256": "0" * 64}])
    async with rig.client() as http:
        await http.post("/models/scan")
        assert (await http.post("/models/scan")).status_code == 409
        await http.post("/models/scan/cancel")
        assert (await rig.wait_until_ended(http, "scan"))["state"] == "cancelled"
