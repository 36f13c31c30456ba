"""Adds the topic to FAQ entries: entries of one topic are the same answer in several languages."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLE, _INDEX = "faq_entries", "ix_faq_entries_topic"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("topic", sa.String(50), nullable=False, server_default=sa.text("''")))
    op.create_index(_INDEX, _TABLE, ["topic"])


def downgrade() -> None:
    op.drop_index(_INDEX, _TABLE)
    op.drop_column(_TABLE, "topic")
