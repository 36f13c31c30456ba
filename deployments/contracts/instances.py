"""Declared bots and widgets, with their own settings for answers."""

from typing import Literal

from pydantic import Field

from deployments.contracts.chat import Overrides, Route
from deployments.contracts.frozen_model import FrozenModel, Language, Slug
from deployments.contracts.proxies import ProxyPolicy
from deployments.contracts.sampling import Sampling

MAIN_MENU = "main_menu"
"""The id of the button that leaves the current mode."""


BotAccess = Literal["listed", "everyone"]


class ActionButton(FrozenModel):
    """A keyboard button of a bot. Pressing it selects a mode whose ``system_prompt``, ``route`` and ``llm_params``
    override those of the bot. Buttons are sorted by ``order``."""

    id: Slug
    label: str
    icon: str = ""
    enabled: bool = True
    order: int = 0
    route: str = ""
    system_prompt: str = ""
    llm_params: Sampling = Sampling()

    @property
    def caption(self) -> str:
        """The text on the button. Telegram sends it when the button is pressed."""
        return f"{self.icon} {self.label}".strip()

    @property
    def overrides(self) -> Overrides:
        """The overrides of the mode. Raises ModelNotFound for an unknown route."""
        return Overrides(self.system_prompt or None, None, Route.parse(self.route), self.llm_params.options)


class InstanceSpec(FrozenModel):
    """The common fields of bots and widgets."""

    id: Slug
    name: str
    description: str = ""
    enabled: bool = True
    language: Language = "ru"
    route: str = ""
    persona_id: str = ""
    system_prompt: str = ""
    llm_params: Sampling = Sampling()
    voice_id: str = ""
    tts_preset: str = ""
    version: int = 1

    @property
    def own_overrides(self) -> Overrides:
        """The overrides of this instance. Raises ModelNotFound for an unknown route."""
        persona_id = self.persona_id or None
        return Overrides(self.system_prompt or None, persona_id, Route.parse(self.route), self.llm_params.options)


class BotSpec(InstanceSpec):
    """A Telegram bot. ``sealed_token`` and ``sealed_proxies`` are opened in the process of the bot only."""

    sealed_token: str = Field(default="", repr=False)
    api_url: str = "https://api.telegram.org"
    sealed_proxies: str = Field(default="", repr=False)
    proxy_policy: ProxyPolicy = "never_direct"
    proxy_preferred: int = Field(default=0, ge=0, description="Index of the link to begin with")
    proxy_generation: int = Field(default=0, ge=0, description="Raised by a manual switch and a reset")
    access: BotAccess = Field(default="listed", description="Who may use it: listed users, or everyone")
    allowed_users: tuple[int, ...] = Field(default=(), description="Telegram user ids; empty means nobody")
    admin_users: tuple[int, ...] = Field(default=(), description="Telegram user ids that may ask for /status")
    welcome_message: str = ""
    help_message: str = ""
    unauthorized_message: str = ""
    error_message: str = ""
    typing_enabled: bool = Field(default=True, description="Shows a typing indicator")
    answer_voice_with_voice: bool = True
    action_buttons: tuple[ActionButton, ...] = ()

    def admits(self, user_id: int | None) -> bool:
        """Whether the user may use the bot. None is a sender without a visible identity."""
        return self.access == "everyone" or user_id in (*self.allowed_users, *self.admin_users)

    @property
    def buttons(self) -> tuple[ActionButton, ...]:
        """The enabled buttons in their order."""
        return tuple(sorted((each for each in self.action_buttons if each.enabled), key=lambda each: each.order))

    def overrides(self, mode: str = "") -> tuple[Overrides, ...]:
        """The overrides of ``mode``, if it has an enabled button, then those of the bot. Raises ModelNotFound for an
        unknown route."""
        modes = (each.overrides for each in self.buttons if each.id == mode != MAIN_MENU)
        return (*modes, self.own_overrides)


class WidgetSpec(InstanceSpec):
    """A chat window on a website. ``allowed_domains`` are exact host names, IDN in ASCII form."""

    title: str = ""
    greeting: str = ""
    placeholder: str = ""
    primary_color: str = "#6366f1"
    position: Literal["left", "right"] = "right"
    allowed_domains: tuple[str, ...] = ()
    tunnel_url: str = ""
