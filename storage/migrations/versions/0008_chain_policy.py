"""Adds the policy of route chains: continuation, timeout of a step, hedging."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "llm_routes", sa.Column("continue_cut_answers", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("llm_routes", sa.Column("step_timeout_s", sa.Double(), nullable=True))
    op.add_column("llm_routes", sa.Column("hedge_after_ms", sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in ("hedge_after_ms", "step_timeout_s", "continue_cut_answers"):
        op.drop_column("llm_routes", name)
