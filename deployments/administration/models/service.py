"""Models on this machine: list, download, scan and delete them, and search the model hub."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from typing import TypeVar

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.models.downloads import Downloads, FindModel
from deployments.administration.models.hub_browser import HubBrowser, model_id_for_repo, require_repo_id
from deployments.administration.models.model_scan import ModelScan
from deployments.administration.models.views import DownloadStatus, HubModel, ModelStorage, ModelView, ScanStatus
from deployments.administration.office.thread_pools import DedicatedThreadPool
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.models.catalogue import Catalogue, CatalogueModel, ModelKind
from deployments.models.errors import PullBusy, PullFailed
from deployments.models.removal import directory_bytes, model_directory_names, remove_model
from deployments.models.store import ModelStore

T = TypeVar("T")

_HUB_CONCURRENCY = 2
_HUB_RETRY_AFTER_S = 5.0


class ModelAdministration:
    """Manages models. ``in_use`` maps the ids of loaded models to their services."""

    def __init__(
        self,
        store: ModelStore,
        catalogue: Catalogue,
        audit_recorder: AuditRecorder,
        hub: HubBrowser,
        downloads: Downloads,
        in_use: Callable[[], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._audit_recorder = audit_recorder
        self._hub = hub
        self._in_use = in_use
        self._downloads = downloads
        self._scan = ModelScan(store)
        self._hub_threads = DedicatedThreadPool("hub", _HUB_CONCURRENCY)

    async def list(self) -> tuple[ModelView, ...]:
        """Returns the catalogue in its order, then other models in the store."""
        return await asyncio.to_thread(self._list, dict(self._in_use()))

    async def storage(self) -> ModelStorage:
        """Returns the size of the models folder, and what is free on its file system."""
        return await asyncio.to_thread(self._storage)

    async def scan(self, username: str) -> ScanStatus:
        """Starts a scan of all installed models. Raises Conflict while one is running."""

        async def start() -> ScanStatus:
            await self._audit_recorder.record(username, "scan", "model")
            return self._scan.start()

        return await self._audit_recorder.run_shielded(start)

    def cancel_scan(self) -> ScanStatus:
        return self._scan.cancel()

    def scan_status(self) -> ScanStatus:
        return self._scan.status()

    async def download(self, model_id: str, username: str, *, accept_licence: bool = False) -> DownloadStatus:
        """Starts the download of a model of the catalogue. Raises NotFound, Conflict, and InvalidRequest for a licence
        that has to be accepted and is not."""
        model = self._catalogue_model(model_id)
        if model.accept_licence and not accept_licence:
            raise InvalidRequest(
                f"{model.id} has the licence {model.licence}: read {model.licence_url} and send accept_licence: true",
                param="accept_licence",
            )
        detail = f"licence accepted: {model.licence}" if model.accept_licence else ""
        return await self._audit_recorder.run_shielded(
            lambda: self._start_download(model_id, lambda: model, username, detail)
        )

    async def download_from_hub(
        self, repo: str, revision: str, kind: ModelKind, include: tuple[str, ...], username: str
    ) -> DownloadStatus:
        """Starts the download of a repository of the hub. Raises InvalidRequest and Conflict. Errors of the hub appear
        in the download status."""
        require_repo_id(repo)
        label, detail = model_id_for_repo(repo), f"{repo} at {revision}"
        return await self._audit_recorder.run_shielded(
            lambda: self._start_download(
                label, lambda: self._hub_model(repo, revision, kind, include), username, detail
            )
        )

    async def cancel_download(self, username: str) -> DownloadStatus:
        async def cancel() -> DownloadStatus:
            await self._audit_recorder.record(username, "cancel", "model", self._downloads.status().model_id)
            return self._downloads.cancel()

        return await self._audit_recorder.run_shielded(cancel)

    def download_status(self) -> DownloadStatus:
        return self._downloads.status()

    async def delete(self, model_id: str, username: str) -> int:
        """Deletes a model and returns the number of freed bytes. Raises NotFound, and Conflict while the model is
        loaded or being downloaded."""
        return await self._audit_recorder.run_shielded(lambda: self._delete(model_id, username))

    async def search(self, query: str, limit: int) -> tuple[HubModel, ...]:
        """Searches the hub. Raises Unavailable with the reason if the hub fails, and Overloaded during two other
        calls."""
        return await self._ask_hub(lambda: self._hub.search(query, limit))

    async def details(self, repo: str, revision: str) -> HubModel:
        """Returns one repository of the hub. Raises NotFound, and as ``search`` does."""
        return await self._ask_hub(lambda: self._hub.details(repo, revision))

    async def close(self) -> None:
        """Stops a running download and scan. Downloaded data is kept."""
        self._hub_threads.close()
        await asyncio.gather(self._downloads.close(), self._scan.close())

    async def _ask_hub(self, call: Callable[[], T]) -> T:
        message = f"{_HUB_CONCURRENCY} requests to the hub are running; try again later"
        return await self._hub_threads.run_or_reject(call, message, _HUB_RETRY_AFTER_S)

    async def _start_download(self, label: str, find: FindModel, username: str, detail: str = "") -> DownloadStatus:
        self._downloads.require_idle()
        await self._audit_recorder.record(username, "download", "model", label, detail)
        return self._downloads.start(label, find)

    async def _delete(self, model_id: str, username: str) -> int:
        if model_id not in await asyncio.to_thread(self._model_ids_on_disk):
            raise NotFound(f"no model {model_id[:100]!r} is installed", param="model_id")
        service = self._in_use().get(model_id)
        if service:
            raise Conflict(f"{service} uses {model_id}; stop {service} first")
        await self._audit_recorder.record(username, "delete", "model", model_id)
        try:
            return await asyncio.to_thread(remove_model, self._store, model_id)
        except PullBusy as error:
            raise Conflict(str(error)) from None
        except KeyError:
            raise NotFound(f"{model_id} was deleted in the meantime", param="model_id") from None

    def _catalogue_model(self, model_id: str) -> CatalogueModel:
        found = next((model for model in self._catalogue.models if model.id == model_id), None)
        if found is None:
            known = ", ".join(model.id for model in self._catalogue.models)
            raise NotFound(f"no model {model_id[:100]!r} in the catalogue; known: {known}", param="model_id")
        return found

    def _hub_model(self, repo: str, revision: str, kind: ModelKind, include: tuple[str, ...]) -> CatalogueModel:
        model = self._hub.model(repo, revision, kind, include)
        there = self._store.revision(model.id)
        if there and there != model.revision:
            raise PullFailed(
                f"{model.id} is installed in revision {there[:12]}; delete it to download {model.revision[:12]}"
            )
        return model

    def _model_ids_on_disk(self) -> frozenset[str]:
        unfinished = self._store.root / ".partial"
        partial = {path.name for path in unfinished.iterdir() if path.is_dir()} if unfinished.is_dir() else set()
        return frozenset({*model_directory_names(self._store), *partial})

    def _storage(self) -> ModelStorage:
        root = next(each for each in (self._store.root, *self._store.root.parents) if each.exists())
        disk = shutil.disk_usage(root)
        return ModelStorage(total=disk.total, free=disk.free, models=directory_bytes(self._store.root))

    def _list(self, in_use: Mapping[str, str]) -> tuple[ModelView, ...]:
        catalogued = {model.id: model for model in self._catalogue.models}
        others = [each for each in model_directory_names(self._store) if each not in catalogued]
        return tuple(self._view(each, catalogued.get(each), in_use.get(each)) for each in (*catalogued, *others))

    def _view(self, model_id: str, model: CatalogueModel | None, service: str | None) -> ModelView:
        manifest, installed = self._store.manifest(model_id), self._store.is_installed(model_id)
        there = installed or model is None
        return ModelView(
            id=model_id,
            kind=model.kind if model else "other",
            description=model.description if model else "",
            languages=model.languages if model else (),
            licence=model.licence if model else "",
            licence_url=model.licence_url if model else "",
            accept_licence=model is not None and model.accept_licence,
            size=directory_bytes(self._store.directory(model_id)) if there else model.size if model else 0,
            installed=installed,
            revision=self._store.revision(model_id),
            source=manifest.source if manifest else "",
            in_catalogue=model is not None,
            in_use_by=service,
            unfinished_bytes=directory_bytes(self._store.partial_directory(model_id)),
        )
