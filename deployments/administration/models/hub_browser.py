"""Searches the model hub, shows a repository and describes it as a downloadable model."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from deployments.administration.models.views import HubFileView, HubModel
from deployments.contracts.errors import InvalidRequest, NotFound, Unavailable
from deployments.models.catalogue import CatalogueModel, HubSource, ModelFile, ModelKind, ModelSource
from deployments.models.errors import NotOnHub, SourceFailed
from deployments.models.hub_client import HubClient
from deployments.models.web_access import ModelWebAccess

T = TypeVar("T")

_REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
_MAX_ID_LENGTH = 80
_MAX_FILES = 500


class HubBrowser:
    """Calls the hub of ``web``. Every method blocks: call it in a thread."""

    def __init__(self, web: ModelWebAccess) -> None:
        self._web = web

    def search(self, query: str, limit: int) -> tuple[HubModel, ...]:
        """Searches repositories. Raises Unavailable with the reason if the hub fails."""
        return self._call(lambda hub: tuple(_hub_model(each) for each in hub.search(query, limit)[:limit]))

    def details(self, repo: str, revision: str = "main") -> HubModel:
        """Returns one repository. Raises NotFound, and Unavailable as ``search`` does."""
        require_repo_id(repo)
        return self._call(lambda hub: _hub_model(hub.details(repo, revision)))

    def model(self, repo: str, revision: str, kind: ModelKind, include: tuple[str, ...]) -> CatalogueModel:
        """Describes a repository as a model, pinned to the current commit of ``revision``. The files are those of the
        top folder that match ``include``. Raises SourceFailed, as other download errors do."""
        with self._web.open_hub() as hub:
            listing = hub.listing(HubSource(repo=repo, revision=revision, include=include), ())
        files = tuple(
            ModelFile(path=file.expected.path, sha256=file.expected.sha256, size=file.expected.size)
            for file in listing.files
        )
        source = HubSource(repo=repo, revision=listing.commit, include=include)
        return CatalogueModel(
            id=model_id_for_repo(repo),
            kind=kind,
            languages=("mul",),
            licence="see the repository",
            size=max(1, sum(file.size or 0 for file in files)),
            description=f"{repo} from the hub",
            revision=listing.commit,
            files=files,
            sources=(ModelSource(hf=source),),
        )

    def _call(self, call: Callable[[HubClient], T]) -> T:
        try:
            with self._web.open_hub() as hub:
                return call(hub)
        except NotOnHub as error:
            raise NotFound(str(error)) from None
        except SourceFailed as error:
            raise Unavailable(str(error), retry_after_s=30) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("the hub sent an unexpected response") from None


def require_repo_id(repo: str) -> None:
    """Raises InvalidRequest unless ``repo`` is a repository name."""
    if not _REPO_ID.fullmatch(repo) or ".." in repo or len(model_id_for_repo(repo)) > _MAX_ID_LENGTH:
        raise InvalidRequest(f"{repo[:100]!r} is not a repository; use owner/name", param="repo_id")


def model_id_for_repo(repo: str) -> str:
    """Returns the id under which a repository is stored, for example hf-owner--name."""
    return f"hf-{repo.replace('/', '--').lower()}"


def _hub_model(entry: Mapping[str, Any]) -> HubModel:
    card = entry.get("cardData") or {}
    siblings = entry.get("siblings") or []
    files = tuple(HubFileView(path=each["rfilename"], size=each.get("size")) for each in siblings[:_MAX_FILES])
    sizes = [each.get("size") for each in siblings]
    licence = card.get("license") if isinstance(card, Mapping) else None
    return HubModel(
        repo_id=entry.get("id") or entry.get("modelId") or "",
        revision=entry.get("sha") or "",
        licence=licence if isinstance(licence, str) else _tag_value(entry, "license:"),
        task=entry.get("pipeline_tag") or "",
        downloads=entry.get("downloads") or 0,
        likes=entry.get("likes") or 0,
        gated=bool(entry.get("gated")),
        updated_at=entry.get("lastModified") or "",
        size=sum(sizes) if sizes and all(isinstance(size, int) for size in sizes) else None,
        files=files,
    )


def _tag_value(entry: Mapping[str, Any], prefix: str) -> str:
    tags = entry.get("tags") or []
    return next((tag.removeprefix(prefix) for tag in tags if isinstance(tag, str) and tag.startswith(prefix)), "")
