"""Adds refresh tokens, consents, providers, routes, presets, voices, widgets, recordings and usage, and extends users,
keys, conversations and the audit log.

Tables that others reference get their columns in place. With foreign keys on, batch mode, which copies and drops the
table, would delete the referencing rows.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES_NEWEST_FIRST = (
    "usage",
    "recordings",
    "widget_instances",
    "voices",
    "tts_presets",
    "llm_routes",
    "cloud_llm_providers",
    "consents",
    "refresh_tokens",
)
_EMPTY, _EMPTY_OBJECT = sa.text("''"), sa.text("'{}'")
_PARENT = "fk_chat_messages_parent_id_chat_messages"


def upgrade() -> None:
    _create_people()
    _create_speaking()
    _create_widgets()
    _create_records()
    _extend_conversations()
    _extend_accounts()


def downgrade() -> None:
    _reduce_accounts()
    _reduce_conversations()
    for table in _TABLES_NEWEST_FIRST:
        op.drop_table(table)


def _text(name: str, length: int = 0, *, nullable: bool = False, added: bool = False) -> sa.Column[str]:
    kind = sa.String(length) if length else sa.Text()
    return sa.Column(name, kind, nullable=nullable, server_default=_EMPTY if added else None)


def _count(name: str, *, added: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=added)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str, *, nullable: bool = False, added: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=nullable, server_default=_EMPTY_OBJECT if added else None)


def _switch(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _create_people() -> None:
    op.create_table(
        "refresh_tokens",
        _text("digest", 64),
        _text("family", 36),
        _count("user_id"),
        _text("address", 45),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_refresh_tokens_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_tokens"),
    )
    for column in ("expires_at", "family", "user_id"):
        op.create_index(f"ix_refresh_tokens_{column}", "refresh_tokens", [column])
    op.create_table(
        "consents",
        _count("id"),
        _text("source", 20),
        _text("source_id", 100),
        _text("person", 200),
        _text("kind", 30),
        _text("wording", 2000),
        _moment("given_at"),
        _moment("withdrawn_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    op.create_index("ix_consents_person", "consents", ["person"])


def _create_speaking() -> None:
    op.create_table(
        "cloud_llm_providers",
        _text("id", 50),
        _text("name", 100),
        _text("provider_type", 30),
        _text("sealed_api_key"),
        _text("key_hint", 10),
        _text("key_origin", 300),
        _text("base_url", 500),
        _text("model_name", 200),
        _switch("enabled"),
        _switch("is_default"),
        _json("params", nullable=True),
        _text("sealed_proxies"),
        _text("description"),
        _count("version"),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_cloud_llm_providers"),
        sa.UniqueConstraint("name", name="uq_cloud_llm_providers_name"),
    )
    op.create_table(
        "llm_routes",
        _text("name", 50),
        _json("routes"),
        _switch("enabled"),
        _text("description"),
        _count("version"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("name", name="pk_llm_routes"),
    )
    op.create_table(
        "tts_presets",
        _count("id"),
        _text("name", 100),
        _text("display_name", 100),
        _json("params", nullable=True),
        _switch("builtin"),
        _count("version"),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_tts_presets"),
        sa.UniqueConstraint("name", name="uq_tts_presets_name"),
    )
    op.create_table(
        "voices",
        _text("id", 100),
        _text("name", 100),
        _text("description"),
        _switch("enabled"),
        _text("tts_preset", 100),
        _count("version"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_voices"),
    )


def _create_widgets() -> None:
    op.create_table(
        "widget_instances",
        _text("id", 50),
        _text("name", 100),
        _text("description"),
        _switch("enabled"),
        _text("title", 100),
        _text("greeting"),
        _text("placeholder", 200),
        _text("primary_color", 7),
        _text("position", 10),
        _json("allowed_domains"),
        _text("tunnel_url", 500),
        _text("language", 3),
        _text("route", 100),
        _text("persona_id", 50),
        _text("system_prompt"),
        _text("voice_id", 100),
        _text("tts_preset", 100),
        _count("version"),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_widget_instances"),
        sa.UniqueConstraint("name", name="uq_widget_instances_name"),
    )


def _create_records() -> None:
    op.create_table(
        "recordings",
        _text("id", 50),
        _text("session_id", 50, nullable=True),
        _text("turn_id", 100),
        _text("source", 20),
        _text("source_id", 100),
        _text("person", 200),
        _text("path", 500),
        _text("media_type", 50),
        sa.Column("seconds", sa.Double(), nullable=False),
        _count("size_bytes"),
        _text("transcript"),
        _moment("created_at"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["chat_sessions.id"], name="fk_recordings_session_id_chat_sessions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
    )
    for column in ("created_at", "person", "session_id"):
        op.create_index(f"ix_recordings_{column}", "recordings", [column])
    op.create_table(
        "usage",
        _text("day", 10),
        sa.Column("key_id", sa.Integer(), nullable=False, autoincrement=False),
        _text("source", 20),
        _text("route", 100),
        _count("requests"),
        _count("prompt_tokens"),
        _count("completion_tokens"),
        sa.Column("audio_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("day", "key_id", "source", "route", name="pk_usage"),
    )


def _session_columns() -> tuple[sa.Column[Any], ...]:
    return (
        _text("title", 255, added=True),
        _text("owner", 100, added=True),
        _text("system_prompt", nullable=True),
        _text("persona_id", 50, added=True),
        _text("route", 100, added=True),
        _json("params", nullable=True, added=True),
        sa.Column("leaf_id", sa.Integer(), nullable=True),
        _count("message_count", added="0"),
        _text("last_message", 100, added=True),
        _count("version", added="1"),
    )


def _extend_conversations() -> None:
    for column in _session_columns():
        op.add_column("chat_sessions", column)
    op.create_index("ix_chat_sessions_newest", "chat_sessions", ["updated_at", "id"])
    op.create_index("ix_chat_sessions_source_newest", "chat_sessions", ["source", "updated_at"])
    op.create_index("ix_chat_sessions_owner", "chat_sessions", ["owner"])
    with op.batch_alter_table("chat_messages") as messages:
        messages.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        messages.create_foreign_key(_PARENT, "chat_messages", ["parent_id"], ["id"], ondelete="CASCADE")
    op.add_column("chat_messages", _text("route", 100, added=True))
    op.add_column("chat_messages", sa.Column("edited", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_chat_messages_parent_id", "chat_messages", ["parent_id"])
    _link_messages()


def _link_messages() -> None:
    """Makes each message the child of the one before it, and fills the count, last message and leaf of
    conversations."""
    op.execute(
        "UPDATE chat_messages SET parent_id = (SELECT max(earlier.id) FROM chat_messages AS earlier "
        "WHERE earlier.session_id = chat_messages.session_id AND earlier.id < chat_messages.id)"
    )
    own = "FROM chat_messages WHERE chat_messages.session_id = chat_sessions.id"
    op.execute(f"UPDATE chat_sessions SET message_count = (SELECT count(*) {own}), leaf_id = (SELECT max(id) {own})")  # noqa: S608
    op.execute(
        "UPDATE chat_sessions SET last_message = coalesce((SELECT substr(content, 1, 100) FROM chat_messages "
        "WHERE chat_messages.id = chat_sessions.leaf_id), '')"
    )


def _extend_accounts() -> None:
    op.add_column("users", _count("version", added="1"))
    op.add_column("api_keys", _json("limits", added=True))
    op.add_column("api_keys", _text("owner", 100, added=True))
    op.add_column("audit_log", _text("previous_hash", 64, added=True))
    op.add_column("audit_log", _text("hash", 64, added=True))


def _reduce_accounts() -> None:
    for table, column in (
        ("audit_log", "hash"),
        ("audit_log", "previous_hash"),
        ("api_keys", "owner"),
        ("api_keys", "limits"),
        ("users", "version"),
    ):
        op.drop_column(table, column)
    op.execute(
        "DELETE FROM installation WHERE name IN ('audit_head', 'audit_anchor')"
    )  # a later upgrade chains the rows again


def _reduce_conversations() -> None:
    op.drop_index("ix_chat_messages_parent_id", "chat_messages")
    # Dropping the copied table cascades along parents, and SQLite's depth limit is 1,000
    op.execute("UPDATE chat_messages SET parent_id = NULL")
    with op.batch_alter_table("chat_messages") as messages:
        messages.drop_constraint(_PARENT, type_="foreignkey")
        for column in ("edited", "route", "parent_id"):
            messages.drop_column(column)
    for index in ("ix_chat_sessions_owner", "ix_chat_sessions_source_newest", "ix_chat_sessions_newest"):
        op.drop_index(index, "chat_sessions")
    for added in reversed(_session_columns()):
        op.drop_column("chat_sessions", added.name)
