"""A pull brings exactly the promised bytes, goes on after every kind of break, and shows a model only when whole."""

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
from tests.unit.models.conftest import (
    CONFIG,
    WEIGHTS,
    RecordingProgressListener,
    make_model,
    pinned_file,
    pull_model_for_test,
)
from tests.unit.models.file_server import FakeFileServer


def test_a_pulled_model_is_whole_and_says_what_it_was_checked_against(
    over_https: CatalogueModel, store: ModelStore
) -> None:
    manifest = pull_model_for_test(over_https, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS
    assert (store.installed_directory("tiny-voice") / "data/config.json").read_bytes() == CONFIG
    assert {f.verified for f in manifest.files} == {"catalogue"}
    assert store.revision("tiny-voice") == "r1"
    assert not store.partial_directory("tiny-voice").exists()


def test_a_second_pull_asks_for_nothing(over_https: CatalogueModel, store: ModelStore, site: FakeFileServer) -> None:
    pull_model_for_test(over_https, store)
    asked = len(site.requests)
    pull_model_for_test(over_https, store)
    assert len(site.requests) == asked


def test_a_cut_connection_is_taken_up_where_it_broke(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.cuts, site.cut_after = 3, 50_000
    pull_model_for_test(over_https, store)
    starts = [
        int(h["range"].removeprefix("bytes=").rstrip("-")) for h in site.requests_for("/weights.bin") if "range" in h
    ]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert starts[0] >= 40_000


def test_a_server_without_ranges_still_delivers(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.ranges, site.cuts, site.cut_after = False, 1, 50_000
    pull_model_for_test(over_https, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


def test_a_server_that_always_cuts_is_given_up(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.cuts, site.cut_after = 10_000, 0
    with pytest.raises(SourceFailed, match=r"127\.0\.0\.1 cannot be reached"):
        pull_model_for_test(over_https, store)


def test_wrong_bytes_never_become_a_model(over_https: CatalogueModel, store: ModelStore, site: FakeFileServer) -> None:
    site.files["/weights.bin"] = WEIGHTS[:-1] + b"\x00"
    with pytest.raises(SourceFailed, match=r"weights\.bin has SHA-256 .* instead of"):
        pull_model_for_test(over_https, store)
    assert not store.is_installed("tiny-voice")


def test_a_longer_file_is_refused_before_it_fills_the_disk(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.files["/weights.bin"] = WEIGHTS * 20
    with pytest.raises(SourceFailed, match="longer than 300000 bytes"):
        pull_model_for_test(over_https, store)


def test_a_spoilt_part_is_replaced_by_a_fresh_start(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    part = store.partial_directory("tiny-voice") / "0-https" / "files" / "weights.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"spoilt" * 1000)
    progress = RecordingProgressListener()
    pull_model_for_test(over_https, store, progress)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS
    assert any("starting anew" in note for note in progress.notes)


def test_a_file_that_changed_on_the_server_is_not_glued_to_its_old_half(
    store: ModelStore, site: FakeFileServer
) -> None:
    loose = make_model(
        files=[{"path": "weights.bin"}], sources=[{"https": {"urls": {"weights.bin": f"{site.url}/weights.bin"}}}]
    )
    site.etags["/weights.bin"] = '"one"'
    with pytest.raises(KeyboardInterrupt):
        pull_model_for_test(loose, store, RecordingProgressListener(100_000, raising=KeyboardInterrupt))
    site.files["/weights.bin"], site.etags["/weights.bin"] = WEIGHTS[::-1], '"two"'
    manifest = pull_model_for_test(loose, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS[::-1]
    assert manifest.files[0].verified == "nothing"


def test_ctrl_c_leaves_a_part_that_the_next_pull_continues(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull_model_for_test(over_https, store, RecordingProgressListener(100_000, raising=KeyboardInterrupt))
    assert not store.is_installed("tiny-voice")
    pull_model_for_test(over_https, store)
    assert any("range" in headers for headers in site.requests_for("/weights.bin"))
    assert store.is_installed("tiny-voice")


def test_the_stop_switch_ends_a_pull_and_keeps_what_arrived(over_https: CatalogueModel, store: ModelStore) -> None:
    cancel = Event()
    with pytest.raises(PullCancelled, match="kept"):
        pull_model_for_test(over_https, store, RecordingProgressListener(100_000, cancel=cancel), cancel=cancel)
    part = store.partial_directory("tiny-voice") / "0-https" / "files" / "weights.bin.part"
    assert part.stat().st_size >= 100_000


def test_a_missing_file_names_the_server_and_the_url(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    del site.files["/config.json"]
    with pytest.raises(SourceFailed, match=r"127\.0\.0\.1 does not have http.*/config\.json \(404\)"):
        pull_model_for_test(over_https, store)


def test_an_unreachable_source_is_named_and_the_next_one_tried(store: ModelStore, site: FakeFileServer) -> None:
    files = [pinned_file("weights.bin", WEIGHTS)]
    dead = {"https": {"urls": {"weights.bin": "http://127.0.0.1:9/weights.bin"}}}
    alive = {"https": {"urls": {"weights.bin": f"{site.url}/weights.bin"}}}
    progress = RecordingProgressListener()
    pull_model_for_test(make_model(files=files, sources=[dead, alive]), store, progress)
    assert store.is_installed("tiny-voice")
    assert any("127.0.0.1 cannot be reached" in note for note in progress.notes)


def test_a_source_that_the_model_lacks_is_refused_by_name(over_https: CatalogueModel, store: ModelStore) -> None:
    with pytest.raises(SourceFailed, match="has no source package; it has https"):
        pull_model_for_test(over_https, store, sources=("package",))


def test_a_full_disk_is_noticed_before_the_first_byte(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    with pytest.raises(DiskFull, match="needs"):
        pull_model_for_test(over_https, store, free=lambda path: 1000)
    assert site.requests == []


def test_a_disk_that_fills_up_on_the_way_keeps_the_part(over_https: CatalogueModel, store: ModelStore) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
    try:
        with pytest.raises(DiskFull, match="no space left"):
            pull_model_for_test(over_https, store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    pull_model_for_test(over_https, store)
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


def test_two_pulls_at_once_do_not_disturb_each_other(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.delay_s = 0.005
    started = Event()
    first = Thread(target=pull_model_for_test, args=(over_https, store, _Starting(started)))
    first.start()
    assert started.wait(5)
    with pytest.raises(PullBusy, match="another process"):
        pull_model_for_test(over_https, store)
    first.join()
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


class _Starting(RecordingProgressListener):
    def __init__(self, started: Event) -> None:
        super().__init__()
        self._started = started

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        self._started.set()


def test_files_copied_by_hand_are_hashed_and_given_a_manifest(
    over_https: CatalogueModel, tmp_path: Path, site: FakeFileServer
) -> None:
    store = ModelStore(tmp_path, Catalogue(models=(over_https,)))
    (tmp_path / "tiny-voice/data").mkdir(parents=True)
    (tmp_path / "tiny-voice/weights.bin").write_bytes(WEIGHTS)
    assert not store.is_installed("tiny-voice")
    (tmp_path / "tiny-voice/data/config.json").write_bytes(CONFIG)
    assert store.is_installed("tiny-voice")
    pull_model_for_test(over_https, store)
    assert store.manifest("tiny-voice") is not None
    assert site.requests == []


def test_wrong_files_of_the_right_size_are_replaced(over_https: CatalogueModel, tmp_path: Path) -> None:
    store = ModelStore(tmp_path, Catalogue(models=(over_https,)))
    (tmp_path / "tiny-voice/data").mkdir(parents=True)
    (tmp_path / "tiny-voice/weights.bin").write_bytes(bytes(len(WEIGHTS)))
    (tmp_path / "tiny-voice/data/config.json").write_bytes(CONFIG)
    pull_model_for_test(over_https, store)
    assert (tmp_path / "tiny-voice/weights.bin").read_bytes() == WEIGHTS


def test_a_killed_pull_is_continued_and_its_lock_is_gone(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.delay_s = 0.02
    interrupted(over_https, store, signal.SIGKILL)
    site.delay_s = 0
    pull_model_for_test(over_https, store)
    assert "range" in site.requests_for("/weights.bin")[-1]
    assert (store.installed_directory("tiny-voice") / "weights.bin").read_bytes() == WEIGHTS


def test_ctrl_c_while_nothing_arrives_ends_a_pull_at_once(
    over_https: CatalogueModel, store: ModelStore, site: FakeFileServer
) -> None:
    site.block, site.delay_s = 60_000, 4.0
    began = time.monotonic()
    said = interrupted(over_https, store, signal.SIGINT)
    assert said.strip().endswith("KeyboardInterrupt")
    assert "Task" not in said.partition("Traceback")[0]
    assert time.monotonic() - began < 20
    site.delay_s = 0
    pull_model_for_test(over_https, store)
    assert "range" in site.requests_for("/weights.bin")[-1]


def interrupted(chosen: CatalogueModel, store: ModelStore, number: signal.Signals) -> str:
    """What a pull in a process of its own writes to stderr when ``number`` ends it in the middle of a file."""
    code = (
        "import signal, sys; from pathlib import Path; from deployments.models.catalogue import Model;"
        "from deployments.models.store import ModelStore; from tests.unit.models.conftest import bring;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "bring(Model.model_validate_json(sys.argv[1]), ModelStore(Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, chosen.model_dump_json(), str(store.root)]
    part = store.partial_directory("tiny-voice") / "0-https" / "files" / "weights.bin.part"
    deadline = time.monotonic() + 20
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (part.exists() and part.stat().st_size > 50_000) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        return process.communicate()[1]
