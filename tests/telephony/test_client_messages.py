"""Parsing of the examples in docs/phone-protocol.md."""

import re
from pathlib import Path

from deployments.telephony.client_messages import parse_message

DOCUMENT = Path(__file__).parents[2] / "docs" / "phone-protocol.md"


def test_parse_message_accepts_documented_examples() -> None:
    examples = re.findall(r'\{"type": "(?:auth|speak|text|end|cancel)"[^{}]*\}', DOCUMENT.read_text(encoding="utf-8"))
    assert len(examples) >= 6
    for example in examples:
        parse_message(example)
