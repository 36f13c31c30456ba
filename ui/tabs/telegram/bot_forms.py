"""The forms of a bot: its texts, who may write to it, and who answers."""

from typing import Any

from nicegui import html, ui

from deployments.contracts.bot_texts import bot_texts
from deployments.contracts.instances import BotSpec
from ui.components.answer_choices import AnswerChoices, answer_fields
from ui.components.field_set import FieldSet
from ui.components.spec_form import OpenedSpec, SpecForm
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext
from ui.translations import LANGUAGES

_TEXTS = ("name", "description", "welcome_message", "help_message", "unauthorized_message", "error_message", "language")
_ANSWERS = ("route", "persona_id", "voice_id", "tts_preset", "answer_voice_with_voice", "typing_enabled")


def _stored(names: tuple[str, ...], spec: BotSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in names}


def _problem_of_name(panel: PanelContext, name: str) -> str:
    return panel.t("telegram.name_bad" if name == "name" else "common.bad_value")


def _area(label: str, placeholder: str, most: int) -> TextArea:
    area = TextArea(label).props(f"outlined autogrow stack-label maxlength={most}").classes("full-width")
    area.props["placeholder"] = placeholder
    return area


def draw_texts(panel: PanelContext, bot: OpenedSpec[BotSpec]) -> None:
    """An empty text is the built-in one, which its field shows."""
    t = panel.t
    texts = bot_texts(bot.spec.language)
    html.h2(t("telegram.part_texts"))
    with html.div().classes("telegram-form"):
        name = TextInput(t("telegram.name")).props("outlined dense maxlength=100")
        description = TextInput(t("telegram.description")).props("outlined dense maxlength=2000")
        html.p(t("telegram.texts_hint")).classes("muted")
        language = ui.select({code: code.upper() for code in LANGUAGES}, label=t("telegram.language"))
        fields = {
            "name": name,
            "description": description,
            "welcome_message": _area(t("telegram.welcome"), texts.welcome, 4_000),
            "help_message": _area(t("telegram.help_text"), texts.help, 4_000),
            "unauthorized_message": _area(t("telegram.unauthorized"), texts.unauthorized, 4_000),
            "error_message": _area(t("telegram.error_text"), texts.error, 4_000),
            "language": language.props("outlined dense"),
        }
        SpecForm(
            panel,
            bot,
            FieldSet(fields),
            lambda spec: _stored(_TEXTS, spec),
            lambda values: {name: str(value or "").strip() for name, value in values.items()},
            lambda name: _problem_of_name(panel, name),
        )


def draw_access(panel: PanelContext, bot: OpenedSpec[BotSpec]) -> None:
    t = panel.t
    html.h2(t("telegram.part_access"))
    with html.div().classes("telegram-form"):
        access = ui.radio({"listed": t("telegram.access_listed"), "everyone": t("telegram.access_everyone")})
        access.props["aria-label"] = t("telegram.access")
        users = _people(panel, t("telegram.users"), t("telegram.users_hint"))
        users.bind_visibility_from(access, "value", value="listed")
        admins = _people(panel, t("telegram.admins"), t("telegram.admins_hint"))
        SpecForm(
            panel,
            bot,
            FieldSet({"access": access, "allowed_users": users, "admin_users": admins}),
            lambda spec: {
                "access": spec.access,
                "allowed_users": [str(each) for each in spec.allowed_users],
                "admin_users": [str(each) for each in spec.admin_users],
            },
            _access_changes,
            lambda name: t("telegram.bad_id"),
        )


def _access_changes(values: dict[str, Any]) -> dict[str, object]:
    """Ids that are no numbers stay texts, which are refused at their field."""

    def ids(texts: list[str] | None) -> tuple[object, ...]:
        cleaned = dict.fromkeys(text.strip() for text in texts or () if text.strip())
        return tuple(int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text for text in cleaned)

    return {
        "access": values["access"],
        "allowed_users": ids(values["allowed_users"]),
        "admin_users": ids(values["admin_users"]),
    }


def _people(panel: PanelContext, label: str, hint: str) -> ui.input_chips:
    def check(ids: list[str]) -> str | None:
        return None if all(each.strip().isascii() and each.strip().isdigit() for each in ids) else bad

    bad = panel.t("telegram.bad_id")
    chips = ui.input_chips(label, new_value_mode="add-unique", validation=check).props("outlined stack-label")
    chips.props["hint"] = hint
    return chips.classes("full-width")


def draw_answers(panel: PanelContext, bot: OpenedSpec[BotSpec], choices: AnswerChoices) -> None:
    t, spec = panel.t, bot.spec
    html.h2(t("telegram.part_answers"))
    with html.div().classes("telegram-form"):
        fields = answer_fields(panel, choices, spec.route, spec.persona_id, spec.voice_id, spec.tts_preset)
        prompt = TextArea(t("telegram.prompt")).props("outlined autogrow maxlength=20000").classes("full-width")
        prompt.props["hint"] = t("telegram.prompt_hint")
        fields |= {
            "system_prompt": prompt,
            "answer_voice_with_voice": ui.switch(t("telegram.answer_voice")),
            "typing_enabled": ui.switch(t("telegram.typing")),
        }
        SpecForm(
            panel,
            bot,
            FieldSet(fields),
            lambda stored: _stored((*_ANSWERS, "system_prompt"), stored),
            lambda values: {name: "" if value is None else value for name, value in values.items()},
        )
