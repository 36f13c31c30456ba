"""Files of a Hugging Face hub repository: listing, URLs and the hashes that the hub itself gives.

Source: the hub's HTTP API, ``/api/models/{repo}/revision/{revision}`` and ``/tree/{commit}``, as huggingface_hub does.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlencode

from deployments.contracts.errors import SecretaryError
from deployments.models.catalogue import HubSource, ModelFile
from deployments.models.errors import NotOnHub, SourceFailed
from deployments.models.verification import ExpectedFile
from deployments.outbound.blocking import BlockingClient
from deployments.outbound.client import FetchedResponse, OriginKey


@dataclass(frozen=True, slots=True)
class HubFile:
    url: str
    expected: ExpectedFile


@dataclass(frozen=True, slots=True)
class HubListing:
    """The files to fetch and the commit they belong to."""

    commit: str
    files: tuple[HubFile, ...]


class HubClient:
    """One hub at ``endpoint``, a URL without a slash at its end; ``key`` is sent with every question."""

    def __init__(self, client: BlockingClient, endpoint: str, key: OriginKey | None) -> None:
        self._client = client
        self._endpoint = endpoint
        self._key = key

    def pinned_listing(self, source: HubSource, files: Iterable[ModelFile]) -> HubListing:
        """Files whose content the catalogue pins: nothing has to be asked."""
        return HubListing(
            source.revision,
            tuple(
                HubFile(
                    self._url(source, source.revision, _join(source.folder, f.path)), ExpectedFile.from_catalogue(f)
                )
                for f in files
            ),
        )

    def listing(self, source: HubSource, files: tuple[ModelFile, ...]) -> HubListing:
        """Asks the hub for the commit of the revision, then for sizes and hashes at that commit.

        ``wanted`` names the files; empty means every file that matches ``source.include``. Raises SourceFailed.
        """
        commit = self._commit(source)
        entries = self._tree(source, commit)
        paths = [_join(source.folder, f.path) for f in files] or [p for p in entries if _included(p, source.include)]
        missing = [p for p in paths if p not in entries]
        if missing or not paths:
            raise SourceFailed(f"{source.repo} at {commit[:12]} has no {', '.join(missing) or 'matching files'}")
        return HubListing(commit, tuple(self._file(source, commit, p, entries[p]) for p in sorted(paths)))

    def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """Repositories of models that match, the most downloaded first, as the hub describes them. SourceFailed."""
        wanted = urlencode({"search": query, "limit": limit, "sort": "downloads", "direction": -1})
        found = self._get(f"/api/models?{wanted}")
        if not isinstance(found, list):
            raise SourceFailed(f"{self._endpoint} did not answer with a list of models")
        return found

    def details(self, repo: str, revision: str = "main") -> dict[str, Any]:
        """One repository with its files and their sizes, as the hub describes it. Raises NotOnHub, SourceFailed."""
        return dict(self._get(f"/api/models/{repo}/revision/{quote(revision, safe='')}?blobs=true"))

    def _file(self, source: HubSource, commit: str, path: str, entry: dict[str, Any]) -> HubFile:
        try:
            return HubFile(self._url(source, commit, path), _expected(source, path, entry))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._strange(f"{source.repo}/{path}") from None

    def _commit(self, source: HubSource) -> str:
        path = f"/api/models/{source.repo}/revision/{quote(source.revision, safe='')}"
        try:
            return str(self._get(path)["sha"])
        except (KeyError, TypeError):
            raise self._strange(path) from None

    def _tree(self, source: HubSource, commit: str) -> dict[str, dict[str, Any]]:
        folder = f"/{quote(source.folder)}" if source.folder else ""
        path = f"/api/models/{source.repo}/tree/{commit}{folder}?recursive=true"
        try:
            return {e["path"]: e for e in self._get(path) if e.get("type") == "file"}
        except (KeyError, TypeError, AttributeError):
            raise self._strange(path) from None

    def _get(self, path: str) -> Any:
        answer = self._ask(path)
        if answer.status in (401, 403):
            raise SourceFailed(f"{self._endpoint} refuses {path} ({answer.status}): set HF_TOKEN")
        if answer.status == 404:
            raise NotOnHub(f"{self._endpoint} does not have {path} (404)")
        if answer.status != 200:
            raise SourceFailed(f"{self._endpoint} answered {answer.status} for {path}")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._strange(path) from None

    def _ask(self, path: str) -> FetchedResponse:
        try:
            return self._client.fetch(self._endpoint + path, key=self._key)
        except SecretaryError as error:
            raise SourceFailed(error.message) from None

    def _strange(self, path: str) -> SourceFailed:
        return SourceFailed(f"{self._endpoint} did not answer with what the hub's API promises for {path}")

    def _url(self, source: HubSource, revision: str, path: str) -> str:
        return f"{self._endpoint}/{source.repo}/resolve/{quote(revision, safe='')}/{quote(path)}"


def _expected(source: HubSource, path: str, entry: dict[str, Any]) -> ExpectedFile:
    large = entry.get("lfs") or {}
    local = path.removeprefix(f"{source.folder}/") if source.folder else path
    return ExpectedFile(
        ModelFile(path=local).path,
        int(entry["size"]),
        sha256=large.get("oid"),
        git_blob=None if large else entry.get("oid"),
        source="hub",
    )


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _included(path: str, patterns: tuple[str, ...]) -> bool:
    """Patterns match the whole path, so ``*.json`` would reach into folders: only top-level files are taken."""
    return "/" not in path and any(fnmatchcase(path, pattern) for pattern in patterns)
