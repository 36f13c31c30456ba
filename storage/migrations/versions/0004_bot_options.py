"""Adds prompt, sampling, speech preset, administrators and buttons of bots, sampling of widgets, and the mode of
conversations.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EMPTY, _EMPTY_LIST, _EMPTY_OBJECT = sa.text("''"), sa.text("'[]'"), sa.text("'{}'")


def upgrade() -> None:
    for table, column in _columns():
        op.add_column(table, column)


def downgrade() -> None:
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)


def _columns() -> tuple[tuple[str, sa.Column[Any]], ...]:
    return (
        ("bot_instances", _column("description", sa.Text(), _EMPTY)),
        ("bot_instances", _column("admin_users", sa.JSON(), _EMPTY_LIST)),
        ("bot_instances", _column("typing_enabled", sa.Boolean(), sa.true())),
        ("bot_instances", _column("system_prompt", sa.Text(), _EMPTY)),
        ("bot_instances", _column("llm_params", sa.JSON(), _EMPTY_OBJECT)),
        ("bot_instances", _column("tts_preset", sa.String(100), _EMPTY)),
        ("bot_instances", _column("action_buttons", sa.JSON(), _EMPTY_LIST)),
        ("widget_instances", _column("llm_params", sa.JSON(), _EMPTY_OBJECT)),
        ("chat_sessions", _column("mode", sa.String(50), _EMPTY)),
    )


def _column(
    name: str, kind: sa.types.TypeEngine[Any], default: sa.TextClause | sa.ColumnElement[bool]
) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)
