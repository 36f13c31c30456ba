"""The configuration of the core: golden files for xray and v2ray. REALITY, gRPC and the vision flow are checked here
only, because Debian's v2ray does not speak them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from proxies.core_config import CoreInbound, CoreKind, core_config
from proxies.links import parse_link
from proxies.vless import VlessLink
from tests.proxies.links import EXAMPLES

GOLDEN = Path(__file__).parent / "golden"
INBOUND = CoreInbound(18_080, "a-password")
LINKS = [link for text in EXAMPLES.values() if isinstance(link := parse_link(text), VlessLink)]


@pytest.mark.parametrize("kind", ["xray", "v2ray"])
def test_config_is_the_golden_one(kind: CoreKind) -> None:
    expected = json.loads((GOLDEN / f"{kind}.json").read_text())
    assert core_config(LINKS, INBOUND, kind) == expected


def test_config_has_no_direct_way_out() -> None:
    config = json.dumps(core_config(LINKS, INBOUND))
    outbounds = json.loads(config)["outbounds"]
    assert outbounds[0]["protocol"] == "blackhole"
    assert {each["protocol"] for each in outbounds} == {"blackhole", "vless"}
    assert "a-password" not in repr(INBOUND)


def test_config_is_accepted_by_v2ray(tmp_path: Path) -> None:
    program = shutil.which("v2ray")
    if program is None:
        pytest.fail("v2ray is not installed: apt-get install --no-install-recommends v2ray")
    file = tmp_path / "config.json"
    file.write_text(json.dumps(core_config(LINKS, INBOUND, "v2ray")))
    tested = subprocess.run([program, "-test", "-config", str(file)], capture_output=True, text=True, timeout=20)
    assert tested.returncode == 0, tested.stdout
