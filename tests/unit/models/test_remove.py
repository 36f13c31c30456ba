import shutil
import threading
from pathlib import Path

from deployments.models.removal import directory_bytes


def test_a_size_is_that_of_regular_files_and_links_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "weights").write_bytes(b"12345")
    (folder / "data" / "more").write_bytes(b"123")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "large").write_bytes(b"1" * 100)
    (folder / "link").symlink_to(tmp_path / "elsewhere" / "large")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    assert directory_bytes(folder) == 8
    assert directory_bytes(tmp_path / "nobody") == 0


def test_files_that_go_while_they_are_counted_are_no_failure(tmp_path: Path) -> None:
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            folder = tmp_path / "partial" / "data"
            folder.mkdir(parents=True)
            for number in range(5):
                (folder / str(number)).touch()
            shutil.rmtree(tmp_path / "partial")

    coming = threading.Thread(target=come_and_go)
    coming.start()
    try:
        assert {directory_bytes(tmp_path) for _ in range(2_000)} == {0}
    finally:
        ended.set()
        coming.join()
