"""One FAQ entry in the list."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import html, ui

from deployments.contracts.faq_entry import FaqEntry
from ui.translations import Translator

MAX_CHIPS = 4


@dataclass(frozen=True, slots=True)
class FaqRowActions:
    """Callbacks of the buttons of a row."""

    on_edit: Callable[[FaqEntry], None]
    on_delete: Callable[[FaqEntry], Awaitable[None]]
    on_switch: Callable[[FaqEntry, bool], Awaitable[None]]


def faq_row(entry: FaqEntry, actions: FaqRowActions | None, t: Translator) -> ui.element:
    """Draws the row and returns its element. Without ``actions`` it is read-only."""
    state = "" if entry.enabled else "faq-row-off"
    with html.article().classes(f"card faq-row {state}").props(f"role=listitem data-entry={entry.id}") as article:
        with html.div().classes("faq-text"):
            with html.div().classes("faq-question-line"):
                html.span(entry.language.upper()).classes("tag")
                html.h2(entry.question).classes("faq-question")
            html.p(entry.answer).classes("faq-answer")
            _chips(entry, t)
        with html.div().classes("faq-actions"):
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


def _chips(entry: FaqEntry, t: Translator) -> None:
    words = [*entry.keywords, *entry.alternatives]
    with html.div().classes("chips"):
        for word in words[:MAX_CHIPS]:
            html.span(word).classes("chip")
        if len(words) > MAX_CHIPS:
            html.span(f"+{len(words) - MAX_CHIPS}").classes("chip")
        if entry.hits:
            html.span(t.count("faq.hits", entry.hits)).classes("faq-hits")


def _action(icon: str, label: str, act: Callable[[], None] | Callable[[], Awaitable[None]]) -> None:
    with html.button(type="button").classes("icon-button").on("click", act) as button:
        ui.icon(icon)
    button.props["aria-label"] = label
    button.props["title"] = label
