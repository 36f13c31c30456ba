"""Validation of the buttons of a bot's keyboard."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from deployments.administration.office.drafts import Draft, RouteName
from deployments.contracts.instances import ActionButton

MAX_BUTTONS = 20
_Trimmed = Annotated[str, StringConstraints(strip_whitespace=True)]


class ButtonDraft(ActionButton, Draft):
    """``icon`` and ``label`` form the caption. A field that is None takes its default."""

    label: _Trimmed = Field(min_length=1, max_length=64)
    icon: _Trimmed = Field(default="", max_length=16)
    order: int = Field(default=0, ge=-1_000, le=1_000)
    route: RouteName = ""
    system_prompt: str = Field(default="", max_length=20_000)

    @model_validator(mode="before")
    @classmethod
    def _drop_none(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None}

    @field_validator("label", "icon")
    @classmethod
    def _single_line(cls, text: str) -> str:
        return " ".join(text.split())

    @model_validator(mode="after")
    def _check_caption(self) -> "ButtonDraft":
        if self.caption.startswith("/"):
            raise ValueError("a caption must not begin with /, because Telegram takes it for a command")
        return self


def require_distinct_buttons(buttons: Iterable[ButtonDraft]) -> None:
    """Raises ValueError for two buttons with the same id or the same caption."""
    ids, captions = set[str](), set[str]()
    for button in buttons:
        if button.id in ids:
            raise ValueError(f"two buttons have the id {button.id!r}")
        if button.caption in captions:
            raise ValueError(f"two buttons have the caption {button.caption!r}")
        ids.add(button.id)
        captions.add(button.caption)
