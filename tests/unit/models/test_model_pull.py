"""Pulls: verification, resumption, cancellation, locks and disk space."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from deployments.models.catalogue import Catalogue, CatalogueModel
from deployments.models.errors import DiskFull, PullBusy, PullCancelled, SourceFailed
from deployments.models.store import ModelStore
from tests.unit.models.file_server import FakeFileServer
from tests.unit.models.sample_model import (
    CONFIG,
    WEIGHTS,
    RecordingProgressListener,
    make_model,
    pinned_file,
    pull_model_for_test,
)


def test_pull_installs_verified_files(https_model: CatalogueModel, store: ModelStore) -> None:
    manifest = pull_model_for_test(https_model, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS
    assert (store.installed_directory("tiny-voice") / "data/config.json").read_bytes() == CONFIG
    assert {f.verified for f in manifest.files} == {"catalogue"}
    assert store.revision("tiny-voice") == "r1"
    assert not store.partial_directory("tiny-voice").exists()


def test_second_pull_sends_no_request(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    pull_model_for_test(https_model, store)
    sent = len(server.requests)
    pull_model_for_test(https_model, store)
    assert len(server.requests) == sent


def test_broken_connection_is_resumed(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.cuts, server.cut_after = 3, 50_000
    pull_model_for_test(https_model, store)
    starts = [
        int(h["range"].removeprefix("bytes=").rstrip("-")) for h in server.requests_for("/weights.bin") if "range" in h
    ]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert starts[0] >= 40_000


def test_server_without_ranges_is_restarted(
    https_model: CatalogueModel, store: ModelStore, server: FakeFileServer
) -> None:
    server.ranges, server.cuts, server.cut_after = False, 1, 50_000
    pull_model_for_test(https_model, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


def test_unreliable_server_is_given_up(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.cuts, server.cut_after = 10_000, 0
    with pytest.raises(SourceFailed, match=r"127\.0\.0\.1 cannot be reached"):
        pull_model_for_test(https_model, store)


def test_wrong_bytes_are_not_installed(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.files["/weights.bin"] = WEIGHTS[:-1] + b"\x00"
    with pytest.raises(SourceFailed, match=r"weights\.bin has SHA-256 .* instead of"):
        pull_model_for_test(https_model, store)
    assert not store.is_installed("tiny-voice")


def test_longer_file_is_cut_off(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.files["/weights.bin"] = WEIGHTS * 20
    with pytest.raises(SourceFailed, match="longer than 300000 bytes"):
        pull_model_for_test(https_model, store)


def test_damaged_part_is_downloaded_again(
    https_model: CatalogueModel, store: ModelStore, server: FakeFileServer
) -> None:
    part = store.partial_directory("tiny-voice") / "0-https" / "files" / "weights.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"damaged" * 1000)
    listener = RecordingProgressListener()
    pull_model_for_test(https_model, store, listener)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS
    assert any("starting again" in note for note in listener.notes)


def test_changed_file_is_downloaded_again(store: ModelStore, server: FakeFileServer) -> None:
    unpinned = make_model(
        files=[{"path": "weights.bin"}], sources=[{"https": {"urls": {"weights.bin": f"{server.url}/weights.bin"}}}]
    )
    server.etags["/weights.bin"] = '"one"'
    with pytest.raises(KeyboardInterrupt):
        pull_model_for_test(unpinned, store, RecordingProgressListener(100_000, raising=KeyboardInterrupt))
    server.files["/weights.bin"], server.etags["/weights.bin"] = WEIGHTS[::-1], '"two"'
    manifest = pull_model_for_test(unpinned, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS[::-1]
    assert manifest.files[0].verified == "nothing"


def test_interrupted_pull_is_continued(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull_model_for_test(https_model, store, RecordingProgressListener(100_000, raising=KeyboardInterrupt))
    assert not store.is_installed("tiny-voice")
    pull_model_for_test(https_model, store)
    assert any("range" in headers for headers in server.requests_for("/weights.bin"))
    assert store.is_installed("tiny-voice")


def test_cancelled_pull_keeps_the_part(https_model: CatalogueModel, store: ModelStore) -> None:
    cancel = Event()
    with pytest.raises(PullCancelled, match="kept"):
        pull_model_for_test(https_model, store, RecordingProgressListener(100_000, cancel=cancel), cancel=cancel)
    part = store.partial_directory("tiny-voice") / "0-https" / "files" / "weights.bin.part"
    assert part.stat().st_size >= 100_000


def test_missing_file_is_named(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    del server.files["/config.json"]
    with pytest.raises(SourceFailed, match=r"config\.json \(404\)"):
        pull_model_for_test(https_model, store)


def test_unreachable_source_leads_to_the_next(store: ModelStore, server: FakeFileServer) -> None:
    files = [pinned_file("weights.bin", WEIGHTS)]
    dead = {"https": {"urls": {"weights.bin": "http://127.0.0.1:9/weights.bin"}}}
    alive = {"https": {"urls": {"weights.bin": f"{server.url}/weights.bin"}}}
    listener = RecordingProgressListener()
    pull_model_for_test(make_model(files=files, sources=[dead, alive]), store, listener)
    assert store.is_installed("tiny-voice")
    assert any("127.0.0.1 cannot be reached" in note for note in listener.notes)


def test_unknown_source_is_refused(https_model: CatalogueModel, store: ModelStore) -> None:
    with pytest.raises(SourceFailed, match="has no source package; it has https"):
        pull_model_for_test(https_model, store, sources=("package",))


def test_full_disk_is_detected_before_download(
    https_model: CatalogueModel, store: ModelStore, server: FakeFileServer
) -> None:
    with pytest.raises(DiskFull, match="needs"):
        pull_model_for_test(https_model, store, read_free_bytes=lambda path: 1000)
    assert server.requests == []


def test_full_disk_during_download_keeps_the_part(https_model: CatalogueModel, store: ModelStore) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
    try:
        with pytest.raises(DiskFull, match="no space left"):
            pull_model_for_test(https_model, store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    pull_model_for_test(https_model, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


def test_concurrent_pull_is_refused(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.delay_s = 0.002
    started = Event()
    first = Thread(target=pull_model_for_test, args=(https_model, store, StartedListener(started)))
    first.start()
    assert started.wait(5)
    with pytest.raises(PullBusy, match="another process"):
        pull_model_for_test(https_model, store)
    first.join()
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


class StartedListener(RecordingProgressListener):
    def __init__(self, started: Event) -> None:
        super().__init__()
        self._started = started

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        self._started.set()


def test_copied_files_get_a_manifest(https_model: CatalogueModel, tmp_path: Path, server: FakeFileServer) -> None:
    store = ModelStore(tmp_path, Catalogue(models=(https_model,)))
    (tmp_path / "tiny-voice/data").mkdir(parents=True)
    (tmp_path / "tiny-voice/weights.bin").write_bytes(WEIGHTS)
    assert not store.is_installed("tiny-voice")
    (tmp_path / "tiny-voice/data/config.json").write_bytes(CONFIG)
    assert store.is_installed("tiny-voice")
    pull_model_for_test(https_model, store)
    assert store.manifest("tiny-voice") is not None
    assert server.requests == []


def test_wrong_copied_files_are_replaced(https_model: CatalogueModel, tmp_path: Path) -> None:
    store = ModelStore(tmp_path, Catalogue(models=(https_model,)))
    (tmp_path / "tiny-voice/data").mkdir(parents=True)
    (tmp_path / "tiny-voice/weights.bin").write_bytes(bytes(len(WEIGHTS)))
    (tmp_path / "tiny-voice/data/config.json").write_bytes(CONFIG)
    pull_model_for_test(https_model, store)
    assert (tmp_path / "tiny-voice/weights.bin").read_bytes() == WEIGHTS


def test_killed_pull_releases_its_lock(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.delay_s = 0.02
    interrupt_pull(https_model, store, signal.SIGKILL)
    server.delay_s = 0
    pull_model_for_test(https_model, store)
    assert "range" in server.requests_for("/weights.bin")[-1]
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


def test_ctrl_c_ends_a_stalled_pull(https_model: CatalogueModel, store: ModelStore, server: FakeFileServer) -> None:
    server.block, server.delay_s = 60_000, 2.0
    stderr = interrupt_pull(https_model, store, signal.SIGINT)
    assert stderr.strip().endswith("KeyboardInterrupt")
    assert "Task" not in stderr.partition("Traceback")[0]
    server.delay_s = 0
    pull_model_for_test(https_model, store)
    assert "range" in server.requests_for("/weights.bin")[-1]


def interrupt_pull(model: CatalogueModel, store: ModelStore, number: signal.Signals) -> str:
    """Sends a signal to a pull in another process in the middle of a file. Returns what it wrote to stderr."""
    code = (
        "import signal, sys; from pathlib import Path; from deployments.models.catalogue import CatalogueModel;"
        "from deployments.models.store import ModelStore;"
        "from tests.unit.models.sample_model import pull_model_for_test;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "pull_model_for_test(CatalogueModel.model_validate_json(sys.argv[1]), ModelStore(Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, model.model_dump_json(), str(store.root)]
    part = store.partial_directory("tiny-voice") / "0-https" / "files" / "weights.bin.part"
    deadline = time.monotonic() + 20
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (part.exists() and part.stat().st_size > 50_000) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        return process.communicate()[1]
