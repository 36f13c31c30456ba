"""HTTP bodies of stored conversations."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from deployments.api.admin.request_bodies import AdminRequest
from deployments.contracts.chat import GenerationOptions, Overrides, Route, SourceKind
from deployments.contracts.sessions import ConversationBranch, StoredMessage, StoredSession

_MAX_CONTENT = 100_000
_MAX_PROMPT = 50_000


def _require_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Content = Annotated[str, Field(min_length=1, max_length=_MAX_CONTENT), AfterValidator(_require_text)]
Prompt = Annotated[str, Field(max_length=_MAX_PROMPT)]
Title = Annotated[str, Field(max_length=255)]
SourceName = Literal["admin", "api", "telegram", "widget", "phone"]


class ChatLlmParams(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=32_768)
    top_p: float | None = Field(default=None, gt=0, le=1)
    repetition_penalty: float | None = Field(default=None, ge=1, le=2)

    def options(self) -> GenerationOptions:
        return GenerationOptions(
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            repetition_penalty=self.repetition_penalty,
        )

    @classmethod
    def of(cls, options: GenerationOptions) -> Self:
        return cls(
            temperature=options.temperature,
            max_tokens=options.max_tokens,
            top_p=options.top_p,
            repetition_penalty=options.repetition_penalty,
        )


class ChatLlmOverride(BaseModel):
    """Overrides for this question. They take precedence over those of the session and of its bot or widget."""

    model_config = ConfigDict(strict=True, extra="forbid")

    llm_backend: str | None = Field(default=None, max_length=100)
    system_prompt: Prompt | None = None
    llm_params: ChatLlmParams | None = None

    def overrides(self) -> Overrides:
        """Raises ModelNotFound for an unknown route."""
        params = self.llm_params or ChatLlmParams()
        return Overrides(
            system_prompt=self.system_prompt or None, route=Route.parse(self.llm_backend), options=params.options()
        )


class AnswerOptionsBody(AdminRequest):
    """The options of a turn."""

    llm_override: ChatLlmOverride | None = None

    def overrides(self) -> Overrides:
        return self.llm_override.overrides() if self.llm_override else Overrides()


class QuestionBody(AnswerOptionsBody):
    content: Content


class SessionFieldsBody(AdminRequest):
    """The editable fields of a conversation. In a change, an absent field stays and null clears a field."""

    title: Title | None = None
    system_prompt: Prompt | None = None
    persona_id: str | None = Field(default=None, max_length=50)
    route: str | None = Field(default=None, max_length=100)
    voice_id: str | None = Field(default=None, max_length=100)
    params: ChatLlmParams | None = None

    def apply(self, to: Overrides) -> Overrides:
        """``to`` with the given fields. Raises ModelNotFound for an unknown route."""
        given = self.model_fields_set
        params = self.params or ChatLlmParams()
        return Overrides(
            (self.system_prompt or None) if "system_prompt" in given else to.system_prompt,
            (self.persona_id or None) if "persona_id" in given else to.persona_id,
            Route.parse(self.route) if "route" in given else to.route,
            params.options() if "params" in given else to.options,
            (self.voice_id or None) if "voice_id" in given else to.voice_id,
        )


class NewSessionBody(SessionFieldsBody):
    source: SourceName = SourceKind.ADMIN.value
    source_id: str = Field(default="", max_length=100)


class SessionChangeBody(SessionFieldsBody):
    version: int | None = Field(default=None, ge=0)


class SessionIdsBody(AdminRequest):
    session_ids: list[Annotated[str, Field(max_length=50)]] = Field(max_length=500)


class BranchChoiceBody(AdminRequest):
    leaf: str = Field(pattern=r"^(msg_)?\d{1,15}$")


class MessageReply(BaseModel):
    """``versions``: ids of this message and its siblings, oldest first; empty without siblings."""

    id: str
    role: str
    content: str
    edited: bool
    timestamp: datetime
    parent_id: str | None
    route: str
    turn_id: str
    versions: list[str] = []

    @classmethod
    def of(cls, message: StoredMessage, versions: tuple[int, ...] = ()) -> Self:
        return cls(
            id=format_message_id(message.id),
            role=message.role,
            content=message.content,
            edited=message.edited,
            timestamp=message.created_at,
            parent_id=format_message_id(message.parent_id) if message.parent_id is not None else None,
            route=message.route,
            turn_id=message.turn_id,
            versions=[format_message_id(one) for one in versions],
        )


class SessionSummaryReply(BaseModel):
    id: str
    title: str
    message_count: int
    last_message: str
    source: str
    source_id: str
    created: datetime | None
    updated: datetime | None
    owner: str
    version: int

    @classmethod
    def of(cls, session: StoredSession) -> Self:
        return cls.model_validate(_summary(session))


class SessionDetailReply(SessionSummaryReply):
    system_prompt: str | None
    persona_id: str | None
    route: str | None
    voice_id: str | None
    params: ChatLlmParams
    messages: list[MessageReply]

    @classmethod
    def of_thread(
        cls, session: StoredSession, messages: tuple[StoredMessage, ...], versions: dict[int, tuple[int, ...]]
    ) -> Self:
        overrides = session.overrides
        return cls.model_validate(
            {
                **_summary(session),
                "system_prompt": overrides.system_prompt,
                "persona_id": overrides.persona_id,
                "route": str(overrides.route) if overrides.route else None,
                "voice_id": overrides.voice_id,
                "params": ChatLlmParams.of(overrides.options),
                "messages": [MessageReply.of(message, versions.get(message.id, ())) for message in messages],
            }
        )


class SessionReply(BaseModel):
    session: SessionDetailReply


class SessionList(BaseModel):
    """``sessions`` is a list, or with ``group_by`` a list for each source. ``unknown`` is always empty; older clients
    expect it."""

    sessions: list[SessionSummaryReply] | dict[str, list[SessionSummaryReply]]
    grouped: bool
    total: int
    limit: int
    offset: int


class BranchReply(BaseModel):
    leaf: str
    last_message: str
    created: datetime
    current: bool

    @classmethod
    def of(cls, branch: ConversationBranch) -> Self:
        return cls(
            leaf=format_message_id(branch.leaf_id),
            last_message=branch.last_message,
            created=branch.created_at,
            current=branch.in_view,
        )


class BranchList(BaseModel):
    branches: list[BranchReply]


class ExchangeReply(BaseModel):
    message: MessageReply
    response: MessageReply


class SessionDeletedReply(BaseModel):
    status: str = "ok"


class DeletedCountReply(BaseModel):
    status: str = "ok"
    deleted: int


def format_message_id(number: int) -> str:
    return f"msg_{number}"


def _summary(session: StoredSession) -> dict[str, object]:
    return {
        "id": session.id,
        "title": session.title,
        "message_count": session.message_count,
        "last_message": session.last_message,
        "source": session.source.kind.value,
        "source_id": session.source.instance_id,
        "created": session.created_at,
        "updated": session.updated_at,
        "owner": session.owner,
        "version": session.version,
    }
