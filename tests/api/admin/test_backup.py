"""Routes of ``/backup``: create, download, restore with the console, delete."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.backup.backups import Backups
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.backup.routes import build_router
from deployments.contracts.errors import Conflict
from storage.backup_archive import InstallationPaths
from storage.database import Database
from storage.restore import restore_backup
from tests.api.admin.admin_client import admin_client, opened_office
from tests.unit.administration.cancelling_database import CancellingDatabase


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    backups = Backups(
        office.database,
        tmp_path / "data",
        tmp_path / "models" / "voices",
        lambda: [{"id": "m"}],
        AuditRecorder(office.database),
    )
    async with admin_client(office, lambda _: [build_router(backups)]) as client:
        yield client


async def test_backup_download_can_be_restored(
    client: httpx.AsyncClient, office: OfficeServices, tmp_path: Path
) -> None:
    assert (await client.get("/backup")).json()["backups"] == []
    made = await client.post("/backup")
    assert made.status_code == 201, made.text
    name = made.json()["backup"]["name"]
    assert [each["name"] for each in (await client.get("/backup")).json()["backups"]] == [name]
    file = tmp_path / "fetched.tar.gz"
    fetched = await client.get(f"/backup/{name}")
    assert fetched.headers["content-type"] == "application/gzip"
    file.write_bytes(fetched.content)
    place = tmp_path / "elsewhere"
    place.mkdir()
    await restore_backup(file, InstallationPaths(place / "secretary.db", place / "recordings", place / "voices"))
    again = Database(f"sqlite+aiosqlite:///{place / 'secretary.db'}")
    await again.open()
    async with again.unit_of_work() as work, office.database.unit_of_work() as here:
        assert await work.faq.all() == await here.faq.all()
    await again.close()
    assert (await client.delete(f"/backup/{name}")).status_code == 204
    assert (await client.get(f"/backup/{name}")).status_code == 404
    async with office.database.unit_of_work() as work:
        actions = [event.action for event in await work.audit.newest(3)]
    assert actions == ["delete", "download", "create"]


@pytest.mark.parametrize(
    "name", ["..%2Fsecret.key", "secret.key", "secretary-1.tar.gz", "%2e%2e", "secretary-20260101-000000.tar.gz"]
)
async def test_backup_with_other_name_is_404(client: httpx.AsyncClient, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data" / "backups"
    folder.mkdir(exist_ok=True)
    (folder / "secretary-20260101-000000.tar.gz").symlink_to(tmp_path / "data" / "secret.key")
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"/backup/{name}")).status_code == 404


async def test_backup_limits_parallel_and_total(client: httpx.AsyncClient, tmp_path: Path) -> None:
    replies = await asyncio.gather(*(client.post("/backup") for _ in range(3)))
    assert sorted(reply.status_code for reply in replies) == [201, 409, 409]
    for number in range(19):
        (tmp_path / "data" / "backups" / f"secretary-20250101-0000{number:02}.tar.gz").touch()
    assert (await client.post("/backup")).status_code == 409


async def test_backup_completes_after_cancellation(cancelling_database: CancellingDatabase, tmp_path: Path) -> None:
    recorder = AuditRecorder(cancelling_database)
    backups = Backups(cancelling_database, tmp_path, tmp_path / "voices", list, recorder)
    await cancelling_database.cancel_after_commit(lambda: backups.create("anna"))
    with pytest.raises(Conflict, match="being created"):
        await backups.create("boris")
    await recorder.close()
    assert await cancelling_database.audit_rows() == [("create", "backup")]
    assert len(await backups.list()) == 1


async def test_backup_requires_admin(office: OfficeServices, tmp_path: Path) -> None:
    backups = Backups(
        office.database, tmp_path / "data", tmp_path / "models" / "voices", list, AuditRecorder(office.database)
    )
    async with admin_client(office, lambda _: [build_router(backups)], "operator") as operator:
        assert (await operator.get("/backup")).status_code == 403
        assert (await operator.post("/backup")).status_code == 403


async def test_backup_tells_contents(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "data" / "recordings").mkdir()
    (tmp_path / "data" / "recordings" / "one.ogg").write_bytes(b"sound")
    name = (await client.post("/backup")).json()["backup"]["name"]
    contents = (await client.get(f"/backup/{name}/contents")).json()
    assert (contents["recordings"], contents["recordings_bytes"], contents["with_keys"]) == (1, 5, False)
    assert contents["database_bytes"] > 10_000
    (tmp_path / "data" / "backups" / name).write_bytes(b"no archive")
    assert (await client.get(f"/backup/{name}/contents")).status_code == 400
