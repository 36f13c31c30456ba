"""Adds who may use a bot. Until now an empty list of users meant everyone, which stays true for the bots that exist."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bot_instances", sa.Column("access", sa.String(10), nullable=False, server_default="listed"))
    op.execute("UPDATE bot_instances SET access = 'everyone' WHERE CAST(allowed_users AS VARCHAR(3)) = '[]'")


def downgrade() -> None:
    op.drop_column("bot_instances", "access")
