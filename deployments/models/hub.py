"""Files of a Hugging Face hub repository: listing, URLs and the hashes that the hub itself gives.

Source: the hub's HTTP API, ``/api/models/{repo}/revision/{revision}`` and ``/tree/{commit}``, as huggingface_hub does.
HF_ENDPOINT names another hub or mirror, HF_TOKEN is sent to that host only.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from deployments.models.catalogue import HubSource, ModelFile
from deployments.models.download import describe
from deployments.models.errors import NotOnHub, SourceFailed
from deployments.models.verify import Expected


@dataclass(frozen=True, slots=True)
class HubFile:
    url: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class HubListing:
    """The files to fetch and the commit they belong to."""

    commit: str
    files: tuple[HubFile, ...]


class Hub:
    """One hub. ``environment`` is read for HF_ENDPOINT and HF_TOKEN."""

    def __init__(self, client: httpx.Client, environment: Mapping[str, str]) -> None:
        self._client = client
        self._endpoint = environment.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        self._token = environment.get("HF_TOKEN", "")

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"} if self._token else {}

    def pinned(self, source: HubSource, files: Iterable[ModelFile]) -> HubListing:
        """Files whose content the catalogue pins: nothing has to be asked."""
        return HubListing(
            source.revision,
            tuple(
                HubFile(self._url(source, source.revision, _join(source.folder, f.path)), Expected.of(f)) for f in files
            ),
        )

    def listing(self, source: HubSource, wanted: tuple[ModelFile, ...]) -> HubListing:
        """Asks the hub for the commit of the revision, then for sizes and hashes at that commit.

        ``wanted`` names the files; empty means every file that matches ``source.include``. Raises SourceFailed.
        """
        commit = self._commit(source)
        entries = self._tree(source, commit)
        paths = [_join(source.folder, f.path) for f in wanted] or [p for p in entries if _included(p, source.include)]
        missing = [p for p in paths if p not in entries]
        if missing or not paths:
            raise SourceFailed(f"{source.repo} at {commit[:12]} has no {', '.join(missing) or 'matching files'}")
        return HubListing(commit, tuple(self._file(source, commit, p, entries[p]) for p in sorted(paths)))

    def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """Repositories of models that match, the most downloaded first, as the hub describes them. SourceFailed."""
        wanted = urlencode({"search": query, "limit": limit, "sort": "downloads", "direction": -1})
        found = self._get(f"/api/models?{wanted}")
        if not isinstance(found, list):
            raise SourceFailed(f"{httpx.URL(self._endpoint).host} did not answer with a list of models")
        return found

    def details(self, repo: str, revision: str = "main") -> dict[str, Any]:
        """One repository with its files and their sizes, as the hub describes it. Raises NotOnHub, SourceFailed."""
        return dict(self._get(f"/api/models/{repo}/revision/{quote(revision, safe='')}?blobs=true"))

    def _file(self, source: HubSource, commit: str, path: str, entry: dict[str, Any]) -> HubFile:
        large = entry.get("lfs") or {}
        local = path.removeprefix(f"{source.folder}/") if source.folder else path
        expected = Expected(
            ModelFile(path=local).path,
            int(entry["size"]),
            sha256=large.get("oid"),
            blob=None if large else entry.get("oid"),
            source="hub",
        )
        return HubFile(self._url(source, commit, path), expected)

    def _commit(self, source: HubSource) -> str:
        return str(self._get(f"/api/models/{source.repo}/revision/{quote(source.revision, safe='')}")["sha"])

    def _tree(self, source: HubSource, commit: str) -> dict[str, dict[str, Any]]:
        folder = f"/{quote(source.folder)}" if source.folder else ""
        entries = self._get(f"/api/models/{source.repo}/tree/{commit}{folder}?recursive=true")
        return {e["path"]: e for e in entries if e.get("type") == "file"}

    def _get(self, path: str) -> Any:
        url = self._endpoint + path
        try:
            response = self._client.get(url, headers=self.headers)
        except httpx.TransportError as error:
            raise SourceFailed(f"{httpx.URL(url).host} cannot be reached: {describe(error)}") from error
        if response.status_code in (401, 403):
            raise SourceFailed(f"{httpx.URL(url).host} refuses {path} ({response.status_code}): set HF_TOKEN")
        if response.status_code == 404:
            raise NotOnHub(f"{httpx.URL(url).host} does not have {path} (404)")
        if response.status_code != 200:
            raise SourceFailed(f"{httpx.URL(url).host} answered {response.status_code} for {path}")
        try:
            return response.json()
        except json.JSONDecodeError as error:
            raise SourceFailed(f"{httpx.URL(url).host} did not answer with JSON for {path}") from error

    def _url(self, source: HubSource, revision: str, path: str) -> str:
        return f"{self._endpoint}/{source.repo}/resolve/{quote(revision, safe='')}/{quote(path)}"


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _included(path: str, patterns: tuple[str, ...]) -> bool:
    """Patterns match the whole path, so ``*.json`` would reach into folders: only top-level files are taken."""
    return "/" not in path and any(fnmatchcase(path, pattern) for pattern in patterns)
