"""Bots and widgets as they are declared: each is a door of its own that says how to answer there."""

from typing import Literal

from pydantic import Field

from deployments.contracts.chat import Overrides, Route
from deployments.contracts.frozen_model import FrozenModel, Language, Slug
from deployments.contracts.sampling import Sampling

MAIN_MENU = "main_menu"
"""Id of the button that leads back out of every mode."""


class ActionButton(FrozenModel):
    """A button of a bot's keyboard: whoever presses it is in its mode, in which ``system_prompt``, ``route`` and
    ``llm_params`` count before the bot's own. Buttons stand in rising ``order``."""

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
        """What stands on the button, and what Telegram sends when it is pressed."""
        return f"{self.icon} {self.label}".strip()

    @property
    def overrides(self) -> Overrides:
        """What its mode says of how to answer. Raises ModelNotFound for a route of another version."""
        return Overrides(self.system_prompt or None, None, Route.parse(self.route), self.llm_params.options)


class InstanceSpec(FrozenModel):
    """What every declared door has: its names, and how to answer there."""

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
        """What this instance says of how to answer. Raises ModelNotFound for a route of another version."""
        persona_id = self.persona_id or None
        return Overrides(self.system_prompt or None, persona_id, Route.parse(self.route), self.llm_params.options)


class BotSpec(InstanceSpec):
    """A Telegram bot as declared in storage. ``sealed_token`` is opened only inside the bot's own process."""

    sealed_token: str = Field(default="", repr=False)
    api_url: str = "https://api.telegram.org"
    allowed_users: tuple[int, ...] = Field(default=(), description="Telegram user ids; empty means everyone")
    admin_users: tuple[int, ...] = Field(default=(), description="Telegram user ids that may ask for /status")
    welcome_message: str = ""
    unauthorized_message: str = ""
    error_message: str = ""
    typing_enabled: bool = Field(default=True, description="Shows that an answer is on its way")
    answer_voice_with_voice: bool = True
    action_buttons: tuple[ActionButton, ...] = ()

    @property
    def buttons(self) -> tuple[ActionButton, ...]:
        """Those that are shown, in their order."""
        return tuple(sorted((each for each in self.action_buttons if each.enabled), key=lambda each: each.order))

    def overrides(self, mode: str = "") -> tuple[Overrides, ...]:
        """What this bot says of how to answer to somebody in ``mode``, the first that speaks wins. A mode without a
        button says nothing. Raises ModelNotFound for a route of another version."""
        modes = (each.overrides for each in self.buttons if each.id == mode != MAIN_MENU)
        return (*modes, self.own_overrides)


class WidgetSpec(InstanceSpec):
    """A chat window on somebody's website. ``allowed_domains`` are exact host names, IDN in its ASCII form."""

    title: str = ""
    greeting: str = ""
    placeholder: str = ""
    primary_color: str = "#6366f1"
    position: Literal["left", "right"] = "right"
    allowed_domains: tuple[str, ...] = ()
    tunnel_url: str = ""
