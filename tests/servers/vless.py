"""Debian's v2ray as the far end of a tunnel: VLESS over TCP, websockets and TLS, and plain proxies with a password.

What comes out of a far end has the source address ``FAR_END``, so that a server knows who came through a tunnel and who
came directly. Far ends resolve ``PROVIDER_HOST``, which no resolver of this machine knows.
"""

import json
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deployments.command.ports import free_port

FarEndKind = Literal["tcp", "ws", "tls", "http", "socks5"]

FAR_END = "127.0.0.9"
PROVIDER_HOST = "provider.test"
SERVER_NAME = "proxy.test"
USER_ID = "11111111-2222-3333-4444-555555555555"
USER, PASSWORD = "user", "pass-word-of-proxy"


@dataclass(frozen=True)
class TestAuthority:
    """A certificate for ``SERVER_NAME`` and ``PROVIDER_HOST``, which signs itself."""

    __test__ = False
    certificate: Path
    key: Path


def make_authority(folder: Path) -> TestAuthority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    names = [x509.DNSName(SERVER_NAME), x509.DNSName(PROVIDER_HOST), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = TestAuthority(folder / "ca.pem", folder / "key.pem")
    authority.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain, pkcs8 = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    authority.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return authority


@dataclass
class FarEnd:
    """A far end that can be killed and started again on the same port. ``authority`` is needed for ``tls``."""

    kind: FarEndKind = "tcp"
    authority: TestAuthority | None = None
    port: int = field(default_factory=free_port)
    source: str = FAR_END
    _process: subprocess.Popen[bytes] | None = None

    @property
    def link(self) -> str:
        if self.kind in ("http", "socks5"):
            return f"{self.kind}://{USER}:{PASSWORD}@127.0.0.1:{self.port}#{self.kind}"
        query = {
            "tcp": "type=tcp&security=none",
            "ws": "type=ws&security=none&path=%2Ftunnel&host=front.test",
            "tls": f"type=tcp&security=tls&sni={SERVER_NAME}",
        }[self.kind]
        return f"vless://{USER_ID}@127.0.0.1:{self.port}?{query}#{self.kind}"

    def start(self) -> "FarEnd":
        program = shutil.which("v2ray")
        if program is None:
            pytest.fail("v2ray is not installed: apt-get install --no-install-recommends v2ray")
        command = [program, "-config", "stdin:", "-format", "json"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._config()).encode())
        self._process.stdin.close()
        deadline = time.monotonic() + 10
        while not _listens(self.port):
            assert time.monotonic() < deadline, "v2ray does not listen"
            time.sleep(0.005)
        return self

    def kill(self) -> None:
        """Sends SIGKILL. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def _config(self) -> dict[str, object]:
        freedom = {"protocol": "freedom", "settings": {"domainStrategy": "UseIP"}, "sendThrough": self.source}
        inbound = {"listen": "127.0.0.1", "port": self.port, **self._inbound()}
        return {
            "log": {"loglevel": "none"},
            "dns": {"hosts": {PROVIDER_HOST: "127.0.0.1"}, "servers": ["127.0.0.1"]},
            "policy": {"levels": {"0": {"uplinkOnly": 0, "downlinkOnly": 1}}},
            "inbounds": [inbound],
            "outbounds": [freedom],
        }

    def _inbound(self) -> dict[str, object]:
        accounts = [{"user": USER, "pass": PASSWORD}]
        if self.kind == "http":
            return {"protocol": "http", "settings": {"accounts": accounts}}
        if self.kind == "socks5":
            return {"protocol": "socks", "settings": {"auth": "password", "accounts": accounts}}
        settings = {"clients": [{"id": USER_ID}], "decryption": "none"}
        stream: dict[str, object] = {"network": "ws" if self.kind == "ws" else "tcp"}
        if self.kind == "ws":
            stream["wsSettings"] = {"path": "/tunnel"}
        if self.kind == "tls":
            assert self.authority is not None
            files = {"certificateFile": str(self.authority.certificate), "keyFile": str(self.authority.key)}
            stream |= {"security": "tls", "tlsSettings": {"certificates": [files]}}
        return {"protocol": "vless", "settings": settings, "streamSettings": stream}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
