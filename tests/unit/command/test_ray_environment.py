"""The variables that Ray and Serve get."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from deployments.command.ray_environment import (
    RUN_ID_VARIABLE,
    haproxy_directory,
    make_ray_token_private,
    new_run_id,
    ray_environment,
)


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary_folder files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_haproxy_files_are_in_private_folder(temporary_folder: Path) -> None:
    run_id = new_run_id()
    environment = ray_environment(temporary_folder / "run", run_id)
    folder = haproxy_directory(run_id)
    assert folder.parent == temporary_folder
    inside = {name: value for name, value in environment.items() if value.startswith(str(folder))}
    assert {Path(value).name for value in inside.values()} >= {"haproxy", "haproxy.cfg", "admin.sock", "server-state"}
    assert environment[RUN_ID_VARIABLE] == run_id
    assert environment["RAY_TMPDIR"] == str(folder)


def test_token_of_ray_is_private(tmp_path: Path) -> None:
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir(mode=0o755)
    token.touch(mode=0o644)
    before = os.umask(0o022)
    try:
        make_ray_token_private(tmp_path)
    finally:
        created_with = os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (token.parent, token)] == [0o700, 0o600]
    assert created_with == 0o077


def test_haproxy_socket_path_is_short() -> None:
    assert len(str(haproxy_directory(new_run_id()) / "admin.sock")) <= 97


def test_default_mode_has_no_haproxy(temporary_folder: Path) -> None:
    environment = ray_environment(temporary_folder / "run", new_run_id(), fast=False)
    assert not any("HAPROXY" in name or "THROUGHPUT" in name for name in environment)
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.parametrize("fast", [True, False])
def test_every_mode_needs_token_and_stays_on_loopback(temporary_folder: Path, fast: bool) -> None:
    environment = ray_environment(temporary_folder / "run", new_run_id(), fast=fast)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert all(isinstance(value, str) for value in environment.values())


def test_ports_differ(temporary_folder: Path) -> None:
    environment = ray_environment(temporary_folder / "run", new_run_id())
    ports = [value for name, value in environment.items() if name.endswith("_PORT")]
    assert len(ports) == 3
    assert len(set(ports)) == 3


def test_run_ids_differ() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100


def test_forwarded_allow_ips_default_trusts_haproxy_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    allowed = [ray_environment(tmp_path, new_run_id(), fast=fast)["FORWARDED_ALLOW_IPS"] for fast in (True, False)]
    assert allowed == ["127.0.0.1", ""]


def test_forwarded_allow_ips_include_mapped_ipv4(tmp_path: Path) -> None:
    trusted = (ip_network("10.0.0.0/8"), ip_network("fd00::/64"))
    allowed = ray_environment(tmp_path, new_run_id(), fast=False, trusted=trusted)["FORWARDED_ALLOW_IPS"]
    assert allowed == "10.0.0.0/8,fd00::/64,::ffff:10.0.0.0/104"
