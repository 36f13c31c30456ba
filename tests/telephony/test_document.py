"""docs/phone-protocol.md says what the code does."""

import re
from pathlib import Path

import pytest
from websockets.frames import CloseCode

from deployments.api.phone import routes
from deployments.api.phone.routes import PhoneSettings
from deployments.telephony.client_messages import MAX_MESSAGE_BYTES, parse_message

TEXT = (Path(__file__).parents[2] / "docs" / "phone-protocol.md").read_text(encoding="utf-8")
EXAMPLES = [
    found
    for found in re.findall(r'\{"type": "(?:auth|speak|text|end|cancel)"[^{}]*\}', TEXT)
    if "<" not in found and "…" not in found
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    parse_message(example)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


def test_numbers_and_codes_are_those_of_the_code() -> None:
    settings = PhoneSettings()
    assert f"within {settings.auth_timeout_s:.0f} seconds" in TEXT
    assert f"{settings.idle_timeout_s:.0f} seconds without a message" in TEXT
    assert f"did not read for {settings.send_timeout_s:.0f} seconds" in TEXT
    assert f"Up to {settings.line.max_queued} may wait" in TEXT
    assert f"At most {settings.line.max_ahead_s:.0f} seconds of sound" in TEXT
    assert f"{settings.line.lead_frames * 20} ms) early" in TEXT
    assert f"at most {MAX_MESSAGE_BYTES // 1024} KiB" in TEXT
    assert f"{settings.max_unauthenticated_per_network} lines from one address" in TEXT
    assert f"{settings.max_unauthenticated} lines in all" in TEXT
    assert f"over {routes.MAX_WEBSOCKET_MESSAGE_BYTES // 1024} KiB" in TEXT
    own = (
        routes.CLOSE_UNAUTHORIZED,
        routes.CLOSE_FORBIDDEN,
        routes.CLOSE_IDLE,
        routes.CLOSE_RATE_LIMITED,
        routes.CLOSE_INTERNAL_ERROR,
        routes.CLOSE_TRY_AGAIN,
    )
    for code in (*own, CloseCode.MESSAGE_TOO_BIG):
        assert f"| {code} |" in TEXT
