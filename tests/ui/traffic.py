"""Conversations of bots, reported as doors report them."""

import itertools
from datetime import UTC, datetime

from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import DoorReport
from tests.ui.panel_server import PanelServer

SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
TIMES: dict[str, object] = {
    "faq_ms": 0.6,
    "first_token_ms": 180,
    "first_sentence_ms": 420,
    "first_audio_ms": 640,
    "total_ms": 1_900,
}
_numbers = itertools.count(1)


async def report_conversation(
    server: PanelServer, person: str, name: str, *turns: dict[str, object], source: TurnSource = SHOP
) -> str:
    """Reports the turns of a new conversation and returns its id. A turn has the fields of an ``Exchange``."""
    conversation = await server.office.conversations.restart(source, person, name)
    exchanges = tuple(
        Exchange.model_validate(
            {
                "turn_id": f"turn-{next(_numbers)}",
                "session_id": conversation.session_id,
                "source_kind": source.kind.value,
                "source_id": source.instance_id,
                "question": "Вы открыты?",
                "answer": "Да, до шести.",
                "route": "local",
                "language": "ru",
                "created_at": datetime.now(UTC),
            }
            | turn
        )
        for turn in turns
    )
    await server.reports.accept(DoorReport(door="shop", sequence=next(_numbers), revision=1, exchanges=exchanges))
    return conversation.session_id
