"""Adds consents to cloned voices, the cloned voices and the pronunciations of voices."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("voices", sa.Column("pronunciations", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.create_table(
        "voice_consents",
        sa.Column("id", sa.String(50), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("recording", sa.String(500), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("pitch_hz", sa.Double(), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("recorded_by", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_voice_consents"),
    )
    op.create_index("ix_voice_consents_person", "voice_consents", ["person"])
    op.create_table(
        "cloned_voices",
        sa.Column("id", sa.String(50), nullable=False),
        sa.Column("consent_id", sa.String(50), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["voice_consents.id"],
            name="fk_cloned_voices_consent_id_voice_consents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cloned_voices"),
    )
    op.create_index("ix_cloned_voices_consent_id", "cloned_voices", ["consent_id"])


def downgrade() -> None:
    op.drop_table("cloned_voices")
    op.drop_table("voice_consents")
    op.drop_column("voices", "pronunciations")
