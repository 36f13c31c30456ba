"""Adds the policy and the order of proxies to providers, and proxies to bots."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PROVIDERS, _BOTS = "cloud_llm_providers", "bot_instances"


def upgrade() -> None:
    op.add_column(_BOTS, sa.Column("sealed_proxies", sa.Text(), nullable=False, server_default=sa.text("''")))
    for table in (_PROVIDERS, _BOTS):
        op.add_column(table, sa.Column("proxy_policy", sa.String(20), nullable=False, server_default="never_direct"))
        for name in ("proxy_preferred", "proxy_generation"):
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table in (_BOTS, _PROVIDERS):
        for name in ("proxy_generation", "proxy_preferred", "proxy_policy"):
            op.drop_column(table, name)
    op.drop_column(_BOTS, "sealed_proxies")
