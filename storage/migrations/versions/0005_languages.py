"""Adds the fallback answers of personas and the languages of cloud models."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("personas", sa.Column("fallback_answers", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column(
        "cloud_llm_providers", sa.Column("languages", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
    )


def downgrade() -> None:
    op.drop_column("cloud_llm_providers", "languages")
    op.drop_column("personas", "fallback_answers")
