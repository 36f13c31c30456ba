"""``secretary proxies``: install checks the hash, test prints a result per link and no secret."""

import hashlib
import io
import os
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.command.proxy_commands import app
from deployments.contracts.errors import Unavailable
from deployments.outbound.client import CheckedClient
from proxies.errors import CoreFailed, CoreMissing
from proxies.release import find_release, unpack
from tests.servers.vless import FAR_END, USER_ID, FarEnd


def _archive(name: str = "xray") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        files.writestr(name, b"#!/bin/sh\necho program\n")
        files.writestr("../geoip.dat", b"data")
    return content.getvalue()


def test_release_is_unpacked_only_with_its_hash(tmp_path: Path) -> None:
    release = find_release("Linux", "x86_64")
    assert release != find_release("Linux", "arm64")
    with pytest.raises(CoreMissing, match="SECRETARY_XRAY"):
        find_release("Darwin", "arm64")
    archive = _archive()
    with pytest.raises(CoreFailed, match="SHA-256"):
        unpack(archive, release, tmp_path)
    assert list(tmp_path.iterdir()) == []
    ours = replace(release, sha256=hashlib.sha256(archive).hexdigest())
    path = unpack(archive, ours, tmp_path / "bin")
    assert os.access(path, os.X_OK)
    assert [file.name for file in (tmp_path / "bin").iterdir()] == ["xray"]
    other = _archive("readme")
    with pytest.raises(CoreFailed, match="holds no xray"):
        unpack(other, replace(release, sha256=hashlib.sha256(other).hexdigest()), tmp_path)


def test_install_without_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def blocked(*_: object, **__: object) -> None:
        raise Unavailable("github.com cannot be reached")

    monkeypatch.setattr(CheckedClient, "fetch", blocked)
    monkeypatch.setenv("SECRETARY_DATA", str(tmp_path))
    found = CliRunner().invoke(app, ["install"])
    assert found.exit_code == 1
    assert "github.com cannot be reached" in found.output
    assert "secretary proxies install --archive Xray-linux" in found.output
    missing = CliRunner().invoke(app, ["install", "--archive", str(tmp_path / "none.zip")])
    assert (missing.exit_code, "No such file" in missing.output) == (1, True)


def test_links_are_tried_on_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRETARY_DATA", str(tmp_path))
    works, dead = FarEnd("ws").start(), FarEnd("tcp")
    target = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    text = f"{works.link}\n{dead.link}\nvless://{USER_ID}@h.example:1?x=1\n"
    try:
        asked = CliRunner().invoke(app, ["test", "--target", f"http://127.0.0.1:{target.server_port}/"], input=text)
    finally:
        works.kill()
        target.shutdown()
        target.server_close()
    assert asked.exit_code == 1
    lines = sorted(line for line in asked.output.splitlines() if not line.startswith(FAR_END))
    assert lines[0].startswith("1. ws (vless ws none): ")
    assert lines[0].endswith("ms, answer 501")
    assert lines[1].startswith("2. tcp (vless tcp none): the server of the proxy cannot be reached")
    assert lines[2].startswith("line 3: x: unknown parameter")
    assert USER_ID not in asked.output
    state = CliRunner().invoke(app, ["status"])
    assert (state.exit_code, state.output.split()[0]) == (0, "v2ray")
