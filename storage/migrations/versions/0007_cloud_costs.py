"""Adds prices and budgets of cloud providers, and the cost of answers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in _columns():
        op.add_column(table, column)


def downgrade() -> None:
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)


def _columns() -> tuple[tuple[str, sa.Column[Any]], ...]:
    return (
        ("cloud_llm_providers", sa.Column("input_price", sa.Double(), nullable=True)),
        ("cloud_llm_providers", sa.Column("output_price", sa.Double(), nullable=True)),
        ("cloud_llm_providers", _amount("budget_per_day")),
        ("usage", _amount("cost")),
        ("exchanges", _amount("cost")),
    )


def _amount(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Double(), nullable=False, server_default=sa.text("0"))
