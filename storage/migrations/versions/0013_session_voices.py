"""Adds the voice to conversations."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chat_sessions", sa.Column("voice_id", sa.String(100), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    op.drop_column("chat_sessions", "voice_id")
