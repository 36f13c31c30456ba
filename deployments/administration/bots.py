"""Telegram bots, as people declare them."""

from pydantic import Field, SecretStr

from deployments.contracts.settings import BotSpec, Frozen, Language


class BotDraft(Frozen):
    """What a person declares. ``token`` None keeps the stored one."""

    name: str = Field(min_length=1, max_length=100)
    token: SecretStr | None = None
    enabled: bool = True
    api_url: str = "https://api.telegram.org"
    allowed_users: tuple[int, ...] = ()
    welcome_message: str = Field(default="", max_length=4000)
    unauthorized_message: str = Field(default="", max_length=4000)
    error_message: str = Field(default="", max_length=4000)
    language: Language = "ru"
    route: str = ""
    persona_id: str = ""
    voice_id: str = ""
    answer_voice_with_voice: bool = True


class BotAdministration:
    async def list(self) -> tuple[BotSpec, ...]:
        """Every bot by id."""
        raise NotImplementedError

    async def get(self, bot_id: str) -> BotSpec:
        """Raises NotFound."""
        raise NotImplementedError

    async def create(self, draft: BotDraft, by: str) -> BotSpec:
        """Raises InvalidRequest without a token, Conflict when another bot has this token."""
        raise NotImplementedError

    async def update(self, bot_id: str, draft: BotDraft, expected_version: int, by: str) -> BotSpec:
        """Raises NotFound, Conflict; InvalidRequest when ``api_url`` moves to another server without a new token."""
        raise NotImplementedError

    async def delete(self, bot_id: str, by: str) -> None:
        """Raises NotFound."""
        raise NotImplementedError

    def open_token(self, spec: BotSpec) -> str:
        """The plain token. Raises SealBroken when the secret key is not the one that sealed it."""
        raise NotImplementedError
