"""Model administration over its own store and web server."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.models.downloads import Downloads, build_puller
from deployments.administration.models.hub_browser import HubBrowser
from deployments.administration.models.service import ModelAdministration
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.operations import model_web_client
from deployments.api.admin.models.routes import build_router
from deployments.models.catalogue import Catalogue, CatalogueModel
from deployments.models.store import ModelStore
from tests.api.admin.router_client import router_client
from tests.unit.models.file_server import FakeFileServer


def build_model_administration(
    office: OfficeServices,
    store: ModelStore,
    voice: CatalogueModel,
    environment: dict[str, str],
    in_use: Callable[[], dict[str, str]] = dict,
    audit_recorder: AuditRecorder | None = None,
) -> ModelAdministration:
    """Builds model administration as the office does, with its settings."""
    web = model_web_client(office, environment, ())
    known, audit_recorder = Catalogue(models=(voice,)), audit_recorder or AuditRecorder(office.database)
    return ModelAdministration(
        store, known, audit_recorder, HubBrowser(web), Downloads(store, build_puller(web)), in_use
    )


class ModelRig:
    """Model administration over its own store. Tests may fill ``in_use``."""

    def __init__(self, office: OfficeServices, site: FakeFileServer, voice: CatalogueModel, folder: Path) -> None:
        self.office, self.site = office, site
        self.store = ModelStore(folder, Catalogue(models=(voice,)))
        self.in_use: dict[str, str] = {}
        self.models = build_model_administration(
            office, self.store, voice, {"HF_ENDPOINT": site.url}, lambda: self.in_use
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with router_client(build_router(self.models)) as opened:
            yield opened
        await self.models.close()

    async def wait_until_ended(self, http: httpx.AsyncClient, what: str = "download") -> dict[str, object]:
        async with asyncio.timeout(10):
            while (status := (await http.get(f"/models/{what}/status")).json())["state"] == "running":
                await asyncio.sleep(0.01)
        return status  # type: ignore[no-any-return]


def add_model_blocked_on_pipe(store: ModelStore, model_id: str, *more: str) -> Path:
    """Adds a model whose first file is a pipe, at which a scan blocks until ``unblock_pipe``. Returns the pipe."""
    folder = store.directory(model_id)
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    for name in more:
        (folder / name).touch()
    empty = hashlib.sha256().hexdigest()
    write_manifest(folder, model_id, [{"path": name, "size": 0, "sha256": empty} for name in ("pipe", *more)])
    return folder / "pipe"


async def unblock_pipe(pipe: Path) -> None:
    """Unblocks the reader of the pipe as soon as it has opened it."""
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
