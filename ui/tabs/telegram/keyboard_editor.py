"""The buttons of a bot, drawn as the keyboard that Telegram shows, with the fields of the chosen button."""

from collections.abc import Mapping
from typing import Any

from nicegui import html, ui

from deployments.administration.bots.buttons import MAX_BUTTONS
from deployments.administration.office.slugs import free_slug
from deployments.contracts.instances import MAIN_MENU, ActionButton, BotSpec
from ui.components.answer_choices import AnswerChoices, choice_field
from ui.components.page_parts import icon_button
from ui.components.spec_form import OpenedSpec, SpecForm
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext

_EMOJI = ("✍️", "📞", "📅", "💰", "📍", "❓", "🛒", "📦", "🔧", "⭐", "🏠", "👤")
_FIELD = "action_buttons"


def draw_keyboard(panel: PanelContext, bot: OpenedSpec[BotSpec], choices: AnswerChoices) -> None:
    html.h2(panel.t("telegram.part_keyboard"))
    html.p(panel.t("telegram.keyboard_hint")).classes("muted")
    editor = KeyboardEditor(panel, choices, panel.can_change(bot.resource))
    SpecForm(panel, bot, editor, lambda spec: {_FIELD: sorted(spec.action_buttons, key=lambda each: each.order)})


class KeyboardEditor:
    """``values`` are the buttons in their order. Changes stay in the editor until they are saved."""

    def __init__(self, panel: PanelContext, choices: AnswerChoices, can_change: bool) -> None:
        self._panel = panel
        self._choices = choices
        self._can_change = can_change
        self._buttons: list[ActionButton] = []
        self._chosen: int | None = None
        with html.div().classes("telegram-keyboard-editor"):
            with html.div().classes("telegram-phone"):
                html.div(panel.t("telegram.keyboard_field")).classes("telegram-phone-field").props("aria-hidden=true")
                self._keys = html.div().classes("telegram-keys").props("role=group")
                self._keys.props["aria-label"] = panel.t("telegram.part_keyboard")
            self._fields = html.div().classes("telegram-form")
            self._problem = ui.label().classes("telegram-problem").props("role=alert")

    def values(self) -> dict[str, Any]:
        return {
            _FIELD: [each.model_copy(update={"order": order}).model_dump() for order, each in enumerate(self._buttons)]
        }

    def fill(self, values: Mapping[str, Any]) -> None:
        self._buttons = [
            each if isinstance(each, ActionButton) else ActionButton.model_validate(each) for each in values[_FIELD]
        ]
        if self._chosen is not None and self._chosen >= len(self._buttons):
            self._chosen = None
        self.clear_problems()
        self._draw()

    def label(self, name: str) -> str:
        return self._panel.t("telegram.part_keyboard")

    def mark(self, name: str, problem: str) -> bool:
        self._problem.text = self._panel.t("telegram.keyboard_bad")
        return True

    def clear_problems(self) -> None:
        self._problem.text = ""

    def disable(self) -> None:
        self._can_change = False

    def _draw(self) -> None:
        self._draw_keys()
        self._fields.clear()
        if self._can_change and self._chosen is not None:
            with self._fields:
                self._draw_fields(self._chosen)

    def _draw_keys(self) -> None:
        t = self._panel.t
        self._keys.clear()
        with self._keys:
            for index, button in enumerate(self._buttons):
                key = html.button(button.caption, type="button").classes("telegram-key")
                key.classes("" if button.enabled else "telegram-key-off")
                key.props(f"aria-pressed={'true' if index == self._chosen else 'false'}")
                key.on("click", lambda index=index: self._choose(index))
                if not button.enabled:
                    key.props["aria-label"] = t("telegram.key_off", name=button.caption)
            if self._can_change and len(self._buttons) < MAX_BUTTONS:
                with html.button(type="button").classes("telegram-key telegram-key-add").on("click", self._add):
                    ui.icon("add").props("aria-hidden=true")
                    html.span(t("telegram.key_add"))

    def _draw_fields(self, index: int) -> None:
        t, button = self._panel.t, self._buttons[index]
        with html.div().classes("row-line"):
            html.h3(button.caption).classes("telegram-subtitle")
            icon_button("arrow_back", t("telegram.key_earlier"), lambda: self._move(-1))
            icon_button("arrow_forward", t("telegram.key_later"), lambda: self._move(1))
            icon_button("delete_outline", t("telegram.key_delete"), self._remove)
        label = TextInput(t("telegram.key_label"), value=button.label).props("outlined dense maxlength=64")
        label.on_value_change(lambda e: self._change(label=e.value or ""))
        with html.div().classes("row-line"):
            icon = TextInput(t("telegram.key_emoji"), value=button.icon).props("outlined dense maxlength=16")
            icon.on_value_change(lambda e: self._change(icon=e.value or ""))
            with (
                ui.button(icon="mood").props("flat round dense aria-haspopup=menu") as choose,
                ui.menu(),
                html.div().classes("telegram-emoji"),
            ):
                for emoji in _EMOJI:
                    html.button(emoji, type="button").on("click", lambda emoji=emoji: icon.set_value(emoji))
            choose.props["aria-label"] = t("telegram.key_choose_emoji")
        ui.switch(t("telegram.key_shown"), value=button.enabled, on_change=lambda e: self._change(enabled=e.value))
        if button.id == MAIN_MENU:
            html.p(t("telegram.key_menu_hint")).classes("muted")
            return
        route = choice_field(t("answers.model"), self._choices.routes, button.route)
        route.on_value_change(lambda e: self._change(route=e.value or ""))
        prompt = TextArea(t("telegram.key_prompt"), value=button.system_prompt)
        prompt.props("outlined autogrow maxlength=20000").classes("full-width")
        prompt.props["hint"] = t("telegram.key_prompt_hint")
        prompt.on_value_change(lambda e: self._change(system_prompt=e.value or ""))

    def _choose(self, index: int) -> None:
        self._chosen = None if index == self._chosen else index
        self._draw()

    def _change(self, **fields: object) -> None:
        assert self._chosen is not None
        self._buttons[self._chosen] = self._buttons[self._chosen].model_copy(update=fields)
        self._draw_keys()

    def _move(self, by: int) -> None:
        assert self._chosen is not None
        to = self._chosen + by
        if 0 <= to < len(self._buttons):
            self._buttons.insert(to, self._buttons.pop(self._chosen))
            self._chosen = to
            self._draw()

    def _remove(self) -> None:
        assert self._chosen is not None
        self._buttons.pop(self._chosen)
        self._chosen = None
        self._draw()

    def _add(self) -> None:
        """A mode, or the button that leaves the modes once there are some."""
        t = self._panel.t
        taken = {each.id for each in self._buttons}
        if self._buttons and MAIN_MENU not in taken:
            button = ActionButton(id=MAIN_MENU, label=t("telegram.key_menu"), icon="🏠")
        else:
            name = t("telegram.key_new", number=len(self._buttons) + 1)
            button = ActionButton(id=free_slug(name, taken, "button"), label=name)
        self._buttons.append(button)
        self._chosen = len(self._buttons) - 1
        self._draw()
