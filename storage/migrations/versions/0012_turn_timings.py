"""Adds language, times, error and the mark of an open question to exchanges."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLE, _INDEX = "exchanges", "ix_exchanges_needs_answer"


def upgrade() -> None:
    for column in _columns():
        op.add_column(_TABLE, column)
    op.execute("UPDATE exchanges SET needs_answer = true WHERE route = 'fallback' AND question <> ''")
    op.create_index(
        _INDEX,
        _TABLE,
        ["created_at"],
        sqlite_where=sa.text("needs_answer = 1"),
        postgresql_where=sa.text("needs_answer"),
    )


def downgrade() -> None:
    op.drop_index(_INDEX, _TABLE)
    for column in reversed(_columns()):
        op.drop_column(_TABLE, column.name)


def _columns() -> tuple[sa.Column[Any], ...]:
    stages = ("faq_ms", "first_token_ms", "first_sentence_ms", "first_audio_ms")
    return (
        _text("language", 35),
        _text("faq_rule", 20),
        sa.Column("faq_score", sa.Double(), nullable=False, server_default=sa.text("0")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in stages),
        _text("error", 50),
        sa.Column("needs_answer", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def _text(name: str, length: int) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=sa.text("''"))
