"""Adds variables, route and sampling parameters of personas."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("personas", sa.Column("variables", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("personas", sa.Column("route", sa.String(100), nullable=False, server_default=sa.text("''")))
    op.add_column("personas", sa.Column("llm_params", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    for name in ("llm_params", "route", "variables"):
        op.drop_column("personas", name)
