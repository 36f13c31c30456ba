"""docs/phone-protocol.md says what the code does."""

import re
from pathlib import Path

import pytest
from websockets.frames import CloseCode

from deployments.api.phone import routes
from deployments.api.phone.routes import PhoneSettings
from deployments.telephony.messages import MAX_MESSAGE_BYTES, parse

TEXT = (Path(__file__).parents[2] / "docs" / "phone-protocol.md").read_text(encoding="utf-8")
EXAMPLES = [
    found
    for found in re.findall(r'\{"type": "(?:auth|speak|text|end|cancel)"[^{}]*\}', TEXT)
    if "<" not in found and "…" not in found
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    parse(example)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


def test_numbers_and_codes_are_those_of_the_code() -> None:
    settings = PhoneSettings()
    assert f"within {settings.auth_s:.0f} seconds" in TEXT
    assert f"{settings.idle_s:.0f} seconds without a message" in TEXT
    assert f"did not read for {settings.send_s:.0f} seconds" in TEXT
    assert f"Up to {settings.line.queued} may wait" in TEXT
    assert f"At most {settings.line.ahead_s:.0f} seconds of sound" in TEXT
    assert f"{settings.line.lead * 20} ms) early" in TEXT
    assert f"at most {MAX_MESSAGE_BYTES // 1024} KiB" in TEXT
    assert f"{settings.strangers_of_one} lines from one address" in TEXT
    assert f"{settings.strangers} lines in all" in TEXT
    assert f"over {routes.LONGEST_MESSAGE // 1024} KiB" in TEXT
    own = (routes.UNAUTHORIZED, routes.FORBIDDEN, routes.IDLE, routes.TOO_MANY, routes.BROKEN, routes.TRY_AGAIN)
    for code in (*own, CloseCode.MESSAGE_TOO_BIG):
        assert f"| {code} |" in TEXT
