"""A client of the Hugging Face hub API: search, file listings with hashes, and download URLs.

It uses ``/api/models/{repo}/revision/{revision}`` and ``/tree/{commit}``, as huggingface_hub does.
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
    """The files to download and their commit."""

    commit: str
    files: tuple[HubFile, ...]


class HubClient:
    """A client of the hub at ``endpoint``, a URL without a trailing slash. ``key`` is sent with every request."""

    def __init__(self, client: BlockingClient, endpoint: str, key: OriginKey | None) -> None:
        self._client = client
        self._endpoint = endpoint
        self._key = key

    def pinned_listing(self, source: HubSource, files: Iterable[ModelFile]) -> HubListing:
        """The listing of files that the catalogue pins. Sends no request."""
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
        """Requests the commit of the revision, then the sizes and hashes of the files at that commit.

        ``files`` selects the files; empty is every file that matches ``source.include``. Raises SourceFailed.
        """
        commit = self._commit(source)
        entries = self._tree(source, commit)
        paths = [_join(source.folder, f.path) for f in files] or [p for p in entries if _included(p, source.include)]
        missing = [p for p in paths if p not in entries]
        if missing or not paths:
            raise SourceFailed(f"{source.repo} at {commit[:12]} has no {', '.join(missing) or 'matching files'}")
        return HubListing(commit, tuple(self._file(source, commit, p, entries[p]) for p in sorted(paths)))

    def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """Model repositories that match ``query``, most downloads first, as hub JSON. Raises SourceFailed."""
        parameters = urlencode({"search": query, "limit": limit, "sort": "downloads", "direction": -1})
        repositories = self._get(f"/api/models?{parameters}")
        if not isinstance(repositories, list):
            raise SourceFailed(f"{self._endpoint} sent no list of models")
        return repositories

    def details(self, repo: str, revision: str = "main") -> dict[str, Any]:
        """One repository with its files and their sizes, as hub JSON. Raises NotOnHub, SourceFailed."""
        return dict(self._get(f"/api/models/{repo}/revision/{quote(revision, safe='')}?blobs=true"))

    def _file(self, source: HubSource, commit: str, path: str, entry: dict[str, Any]) -> HubFile:
        try:
            return HubFile(self._url(source, commit, path), _expected(source, path, entry))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._invalid_reply(f"{source.repo}/{path}") from None

    def _commit(self, source: HubSource) -> str:
        path = f"/api/models/{source.repo}/revision/{quote(source.revision, safe='')}"
        try:
            return str(self._get(path)["sha"])
        except (KeyError, TypeError):
            raise self._invalid_reply(path) from None

    def _tree(self, source: HubSource, commit: str) -> dict[str, dict[str, Any]]:
        folder = f"/{quote(source.folder)}" if source.folder else ""
        path = f"/api/models/{source.repo}/tree/{commit}{folder}?recursive=true"
        try:
            return {e["path"]: e for e in self._get(path) if e.get("type") == "file"}
        except (KeyError, TypeError, AttributeError):
            raise self._invalid_reply(path) from None

    def _get(self, path: str) -> Any:
        response = self._fetch(path)
        if response.status in (401, 403):
            raise SourceFailed(f"{self._endpoint} refuses {path} ({response.status}): set HF_TOKEN")
        if response.status == 404:
            raise NotOnHub(f"{self._endpoint} does not have {path} (404)")
        if response.status != 200:
            raise SourceFailed(f"{self._endpoint} answered {response.status} for {path}")
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError):
            raise self._invalid_reply(path) from None

    def _fetch(self, path: str) -> FetchedResponse:
        try:
            return self._client.fetch(self._endpoint + path, key=self._key)
        except SecretaryError as error:
            raise SourceFailed(error.message) from None

    def _invalid_reply(self, path: str) -> SourceFailed:
        return SourceFailed(f"{self._endpoint} sent an invalid reply for {path}")

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
    """True for a top-level file that matches a pattern. ``fnmatch`` patterns would also match files in folders."""
    return "/" not in path and any(fnmatchcase(path, pattern) for pattern in patterns)
