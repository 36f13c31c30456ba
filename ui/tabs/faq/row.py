"""One FAQ entry in the list."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import html, ui

from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.speech import SpeechRequest
from ui.components.page_parts import Tone, pill
from ui.components.spoken_text import SpokenText
from ui.translations import Translator

MAX_CHIPS = 4
_SOUND_TEXTS: dict[str, tuple[str, Tone]] = {
    "ready": ("faq.sound_ready", "good"),
    "waiting": ("faq.sound_waiting", "plain"),
    "failed": ("faq.sound_failed", "bad"),
    "no_space": ("faq.sound_no_space", "warn"),
}


@dataclass(frozen=True, slots=True)
class FaqRow:
    """What a row shows. ``sound`` is the state of its speech, which is made before it is asked for; "" for none."""

    entry: FaqEntry
    sound: str = ""
    sound_error: str = ""
    selected: bool | None = None


@dataclass(frozen=True, slots=True)
class FaqRowActions:
    """Callbacks of the buttons of a row."""

    on_edit: Callable[[FaqEntry], Awaitable[None]]
    on_delete: Callable[[FaqEntry], Awaitable[None]]
    on_switch: Callable[[FaqEntry, bool], Awaitable[None]]
    on_select: Callable[[FaqEntry, bool], None]
    on_remake: Callable[[FaqEntry], Awaitable[None]]
    request: Callable[[FaqEntry], SpeechRequest]
    spoken: SpokenText


def draw_faq_row(row: FaqRow, actions: FaqRowActions | None, t: Translator) -> ui.element:
    """Draws the row and returns its element. Without ``actions`` it is read-only."""
    entry = row.entry
    state = "" if entry.enabled else "faq-row-off"
    with html.article().classes(f"card faq-row {state}").props(f"role=listitem data-entry={entry.id}") as article:
        if row.selected is not None and actions is not None:
            box = ui.checkbox(value=row.selected, on_change=lambda e: actions.on_select(entry, bool(e.value)))
            box.props("dense").props["aria-label"] = t("faq.select_of", question=entry.question)
        with html.div().classes("faq-text"):
            with html.div().classes("faq-question-line"):
                html.span(entry.language.upper()).classes("tag")
                html.h2(entry.question).classes("faq-question")
            html.p(entry.answer).classes("faq-answer")
            _chips(row, actions, t)
        with html.div().classes("faq-actions"):
            if actions is not None:
                actions.spoken.button(f"faq-{entry.id}", lambda: actions.request(entry))
            switch = ui.switch(value=entry.enabled)
            switch.props["aria-label"] = t("faq.enabled_of", question=entry.question)
            if actions is None:
                switch.disable()
            else:
                switch.on_value_change(lambda e: actions.on_switch(entry, bool(e.value)))
                _action("edit", t("faq.edit_of", question=entry.question), lambda: actions.on_edit(entry))
                _action("delete_outline", t("faq.delete_of", question=entry.question), lambda: actions.on_delete(entry))
    element: ui.element = article
    return element


def _chips(row: FaqRow, actions: FaqRowActions | None, t: Translator) -> None:
    entry = row.entry
    words = [*entry.keywords, *entry.alternatives]
    with html.div().classes("chips"):
        for word in words[:MAX_CHIPS]:
            html.span(word).classes("chip")
        if len(words) > MAX_CHIPS:
            html.span(f"+{len(words) - MAX_CHIPS}").classes("chip")
        if row.sound:
            _sound(row, actions, t)
        if entry.hits:
            html.span(t.count("faq.hits", entry.hits)).classes("faq-hits")


def _sound(row: FaqRow, actions: FaqRowActions | None, t: Translator) -> None:
    key, tone = _SOUND_TEXTS[row.sound]
    mark = pill(t(key), tone)
    if row.sound_error:
        mark.props["title"] = row.sound_error
    if actions is not None and row.sound in ("ready", "failed"):
        with html.button(type="button").classes("icon-button small faq-remake") as button:
            ui.icon("replay").props("aria-hidden=true")
        button.on("click", lambda: actions.on_remake(row.entry))
        button.props["aria-label"] = button.props["title"] = t("faq.remake")


def _action(icon: str, label: str, act: Callable[[], Awaitable[None]]) -> None:
    with html.button(type="button").classes("icon-button").props("aria-haspopup=dialog").on("click", act) as button:
        ui.icon(icon)
    button.props["aria-label"] = label
    button.props["title"] = label
