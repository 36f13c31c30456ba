"""Conversations are searched by title, listed by owner, and their files are deleted after the rows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


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


def downgrade() -> None:
    op.drop_table("file_deletions")
    op.drop_index("ix_chat_sessions_owner_newest", "chat_sessions")
    op.create_index("ix_chat_sessions_owner", "chat_sessions", ["owner"])
    op.drop_column("chat_sessions", "title_key")
