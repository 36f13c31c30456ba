"""Models on this machine: what is there, bringing more, checking them, taking them away."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.models.downloads import Downloads, FindModel
from deployments.administration.models.hub_browser import HubBrowser, model_id_for_repo, require_repo_id
from deployments.administration.models.model_scan import ModelScan
from deployments.administration.models.views import DownloadStatus, HubModel, ModelView, ScanStatus
from deployments.administration.office.thread_pools import DedicatedThreadPool
from deployments.contracts.errors import Conflict, NotFound
from deployments.models.catalogue import Catalogue, CatalogueModel, ModelKind
from deployments.models.errors import PullBusy, PullFailed
from deployments.models.removal import directory_bytes, model_directory_names, remove_model
from deployments.models.store import ModelStore

T = TypeVar("T")

_QUESTIONS = 2
_HUB_RETRY_S = 5.0


class ModelAdministration:
    """``in_use`` maps ids of models in memory to their services."""

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
        self._known = catalogue
        self._trail = audit_recorder
        self._hub = hub
        self._in_use = in_use
        self._downloads = downloads
        self._scan = ModelScan(store)
        self._hub_threads = DedicatedThreadPool("hub", _QUESTIONS)

    async def list(self) -> tuple[ModelView, ...]:
        """The catalogue in its order, then what else lies in the store."""
        return await asyncio.to_thread(self._listed, dict(self._in_use()))

    async def scan(self, username: str) -> ScanStatus:
        """Begins to read every installed model. Raises Conflict while one is under way."""

        async def begin() -> ScanStatus:
            await self._trail.record(username, "scan", "model")
            return self._scan.start()

        return await self._trail.run_shielded(begin)

    def cancel_scan(self) -> ScanStatus:
        return self._scan.cancel()

    def scan_status(self) -> ScanStatus:
        return self._scan.status()

    async def download(self, model_id: str, username: str) -> DownloadStatus:
        """Begins to bring a model of the catalogue. Raises NotFound and Conflict."""
        model = self._of_catalogue(model_id)
        return await self._trail.run_shielded(lambda: self._begin(model_id, lambda: model, username))

    async def download_from_hub(
        self, repo: str, revision: str, kind: ModelKind, include: tuple[str, ...], username: str
    ) -> DownloadStatus:
        """Begins to bring a repository of the hub. Raises InvalidRequest and Conflict; what the hub says is told by
        the status."""
        require_repo_id(repo)
        label, detail = model_id_for_repo(repo), f"{repo} at {revision}"
        return await self._trail.run_shielded(
            lambda: self._begin(label, lambda: self._of_hub(repo, revision, kind, include), username, detail)
        )

    async def cancel_download(self, username: str) -> DownloadStatus:
        async def cancel() -> DownloadStatus:
            await self._trail.record(username, "cancel", "model", self._downloads.status().model_id)
            return self._downloads.cancel()

        return await self._trail.run_shielded(cancel)

    def download_status(self) -> DownloadStatus:
        return self._downloads.status()

    async def delete(self, model_id: str, username: str) -> int:
        """Takes a model off the disk; returns the bytes that are free again. Raises NotFound, and Conflict while it is
        in memory or being pulled."""
        return await self._trail.run_shielded(lambda: self._delete(model_id, username))

    async def search(self, query: str, limit: int) -> tuple[HubModel, ...]:
        """Raises Unavailable with the reason when the hub cannot be asked, Overloaded while two others ask it."""
        return await self._ask_hub(lambda: self._hub.search(query, limit))

    async def details(self, repo: str, revision: str) -> HubModel:
        """Raises NotFound, and as ``search`` does."""
        return await self._ask_hub(lambda: self._hub.details(repo, revision))

    async def close(self) -> None:
        """Ends a download and a scan under way; what has arrived is kept."""
        self._hub_threads.close()
        await asyncio.gather(self._downloads.close(), self._scan.close())

    async def _ask_hub(self, question: Callable[[], T]) -> T:
        refusal = f"{_QUESTIONS} questions to the hub are under way; wait for their answers"
        return await self._hub_threads.run_or_reject(question, refusal, _HUB_RETRY_S)

    async def _begin(self, label: str, find: FindModel, username: str, detail: str = "") -> DownloadStatus:
        self._downloads.require_idle()
        await self._trail.record(username, "download", "model", label, detail)
        return self._downloads.start(label, find)

    async def _delete(self, model_id: str, username: str) -> int:
        if model_id not in await asyncio.to_thread(self._present):
            raise NotFound(f"no model {model_id[:100]!r} is installed", param="model_id")
        service = self._in_use().get(model_id)
        if service:
            raise Conflict(f"{service} uses {model_id}; stop {service} first")
        await self._trail.record(username, "delete", "model", model_id)
        try:
            return await asyncio.to_thread(remove_model, self._store, model_id)
        except PullBusy as error:
            raise Conflict(str(error)) from None
        except KeyError:
            raise NotFound(f"{model_id} has just gone", param="model_id") from None

    def _of_catalogue(self, model_id: str) -> CatalogueModel:
        found = next((model for model in self._known.models if model.id == model_id), None)
        if found is None:
            known = ", ".join(model.id for model in self._known.models)
            raise NotFound(f"no model {model_id[:100]!r} in the catalogue; known: {known}", param="model_id")
        return found

    def _of_hub(self, repo: str, revision: str, kind: ModelKind, include: tuple[str, ...]) -> CatalogueModel:
        model = self._hub.model(repo, revision, kind, include)
        there = self._store.revision(model.id)
        if there and there != model.revision:
            raise PullFailed(f"{model.id} is there in revision {there[:12]}; delete it to bring {model.revision[:12]}")
        return model

    def _present(self) -> frozenset[str]:
        unfinished = self._store.root / ".partial"
        partial = {path.name for path in unfinished.iterdir() if path.is_dir()} if unfinished.is_dir() else set()
        return frozenset({*model_directory_names(self._store), *partial})

    def _listed(self, in_use: Mapping[str, str]) -> tuple[ModelView, ...]:
        catalogued = {model.id: model for model in self._known.models}
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
            size=directory_bytes(self._store.directory(model_id)) if there else model.size if model else 0,
            installed=installed,
            revision=self._store.revision(model_id),
            source=manifest.source if manifest else "",
            in_catalogue=model is not None,
            in_use_by=service,
            unfinished_bytes=directory_bytes(self._store.partial_directory(model_id)),
        )
