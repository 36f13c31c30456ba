"""Creates the tables of accounts, keys, FAQ entries, personas, settings, bots, conversations and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_RUNNING = sa.text("ended_at IS NULL")
_TABLES_NEWEST_FIRST = (
    "installation",
    "audit_log",
    "revisions",
    "accepted_reports",
    "exchanges",
    "chat_messages",
    "chat_sessions",
    "bot_instances",
    "settings",
    "personas",
    "faq_entries",
    "api_keys",
    "users",
)


def upgrade() -> None:
    _create_people()
    _create_behaviour()
    _create_bots()
    _create_conversations()
    _create_exchanges()
    _create_trail()


def downgrade() -> None:
    for table in _TABLES_NEWEST_FIRST:
        op.drop_table(table)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username", name="uq_users_username"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prefix", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        _moment("expires_at", nullable=True),
        _moment("revoked_at", nullable=True),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )


def _create_behaviour() -> None:
    op.create_table(
        "faq_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(500), nullable=False),
        sa.Column("question_key", sa.String(500), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("alternatives", sa.JSON(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(3), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_faq_entries"),
        sa.UniqueConstraint("language", "question_key", name="uq_faq_entries_language_question_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "personas",
        sa.Column("id", sa.String(50), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("voices", sa.JSON(), nullable=False),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_personas"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.JSON(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def _create_bots() -> None:
    op.create_table(
        "bot_instances",
        sa.Column("id", sa.String(50), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=False),
        sa.Column("api_url", sa.String(500), nullable=False),
        sa.Column("allowed_users", sa.JSON(), nullable=False),
        sa.Column("welcome_message", sa.Text(), nullable=False),
        sa.Column("unauthorized_message", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("language", sa.String(3), nullable=False),
        sa.Column("route", sa.String(100), nullable=False),
        sa.Column("persona_id", sa.String(50), nullable=False),
        sa.Column("voice_id", sa.String(100), nullable=False),
        sa.Column("answer_voice_with_voice", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_bot_instances"),
    )


def _create_conversations() -> None:
    op.create_table(
        "chat_sessions",
        sa.Column("id", sa.String(50), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("source_id", sa.String(100), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("display_name", sa.String(200), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_chat_sessions"),
    )
    op.create_index(
        "uq_chat_sessions_running",
        "chat_sessions",
        ["source", "source_id", "person"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    op.create_table(
        "chat_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(50), nullable=False),
        sa.Column("turn_id", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_chat_messages"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["chat_sessions.id"], name="fk_chat_messages_session_id_chat_sessions", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_chat_messages_session", "chat_messages", ["session_id", "id"])


def _create_exchanges() -> None:
    op.create_table(
        "exchanges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.String(100), nullable=False),
        sa.Column("session_id", sa.String(50), nullable=True),
        sa.Column("source_kind", sa.String(20), nullable=False),
        sa.Column("source_id", sa.String(100), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("route", sa.String(100), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("faq_entry_id", sa.Integer(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("audio_seconds", sa.Double(), nullable=False),
        sa.Column("total_ms", sa.Double(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_exchanges"),
        sa.UniqueConstraint("turn_id", name="uq_exchanges_turn_id"),
    )
    op.create_index("ix_exchanges_session_id", "exchanges", ["session_id"])
    op.create_index("ix_exchanges_created_at", "exchanges", ["created_at"])
    op.create_table(
        "accepted_reports",
        sa.Column("door", sa.String(200), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        _moment("accepted_at"),
        sa.PrimaryKeyConstraint("door", "sequence", name="pk_accepted_reports"),
    )
    op.create_index("ix_accepted_reports_accepted_at", "accepted_reports", ["accepted_at"])


def _create_trail() -> None:
    op.create_table(
        "revisions",
        sa.Column("revision", sa.Integer(), nullable=False, autoincrement=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("revision", name="pk_revisions"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("username", sa.String(100), nullable=False),
        sa.Column("action", sa.String(50), nullable=False),
        sa.Column("resource", sa.String(50), nullable=False),
        sa.Column("resource_id", sa.String(100), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_created_at", "audit_log", ["created_at"])
    op.create_table(
        "installation",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("name", name="pk_installation"),
    )
