"""Adds title search, the list by owner and the file deletion queue. Converts the history limit from characters to
tokens, at four characters per token.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from deployments.contracts.errors import Conflict

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SETTINGS = sa.table("settings", sa.column("name", sa.String), sa.column("value", sa.JSON))
_CHARS_PER_TOKEN = 4


def upgrade() -> None:
    op.add_column("chat_sessions", sa.Column("title_key", sa.String(255), nullable=False, server_default=sa.text("''")))
    op.drop_index("ix_chat_sessions_owner", "chat_sessions")
    op.create_index("ix_chat_sessions_owner_newest", "chat_sessions", ["owner", "updated_at", "id"])
    op.create_table(
        "file_deletions",
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_file_deletions"),
    )
    _rename_history("history_chars", "history_tokens", lambda chars: max(100, chars // _CHARS_PER_TOKEN))


def downgrade() -> None:
    _require_files_deleted()
    _rename_history("history_tokens", "history_chars", lambda tokens: max(500, tokens * _CHARS_PER_TOKEN))
    op.drop_table("file_deletions")
    op.drop_index("ix_chat_sessions_owner_newest", "chat_sessions")
    op.create_index("ix_chat_sessions_owner", "chat_sessions", ["owner"])
    op.drop_column("chat_sessions", "title_key")


def _require_files_deleted() -> None:
    """The downgrade drops the queue, and nothing else knows these files."""
    waiting = op.get_bind().execute(sa.text("SELECT path FROM file_deletions ORDER BY path")).scalars().all()
    if waiting:
        raise Conflict(
            f"{len(waiting)} files are queued for deletion, the first is {waiting[0]}: "
            "run the secretary until they are deleted, then downgrade"
        )


def _rename_history(old: str, new: str, convert: Callable[[int], int]) -> None:
    """Renames the field in the stored group ``llm``, if there is one."""
    here = _SETTINGS.c.name == "llm"
    stored = op.get_bind().execute(sa.select(_SETTINGS.c.value).where(here)).scalar()
    if isinstance(stored, dict) and old in stored:
        kept = {name: value for name, value in stored.items() if name != old}
        op.execute(_SETTINGS.update().where(here).values(value={**kept, new: convert(int(stored[old]))}))
