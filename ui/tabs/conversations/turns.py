"""The turns of an opened conversation: question, answer, what answered, times and actions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import html, ui

from deployments.contracts.events import FALLBACK_ROUTE
from deployments.contracts.exchange import Exchange
from deployments.contracts.sessions import STOPPED_ROUTE, StoredMessage
from ui.components.latency_plot import route_text
from ui.components.page_parts import Tone, icon_button, pill
from ui.components.quick_answer import entry_of_route
from ui.error_messages import explain_error_code
from ui.tabs.conversations.waterfall import draw_waterfall
from ui.translations import Translator


@dataclass(frozen=True, slots=True)
class TurnActions:
    """``on_speak(answer)``, None without a voice; ``on_make_answer(question, answer, language, entry_id)``, None for
    users who may not change the FAQ; ``entry_id`` is the entry that answered, else None. ``draw_recordings(turn_id)``
    draws players of what the person said."""

    on_speak: Callable[[str], None] | None
    on_make_answer: Callable[[str, str, str, int | None], Awaitable[None]] | None
    draw_recordings: Callable[[str], None]


def answered_by(route: str, exchange: Exchange | None, t: Translator) -> tuple[str, Tone]:
    """What answered, in words, and the colour of it."""
    if exchange is not None and exchange.error:
        return t("turns.failed", reason=explain_error_code(exchange.error, "", t)), "bad"
    if route.startswith("faq:"):
        return t("turns.from_faq", id=route.removeprefix("faq:")), "good"
    if route == FALLBACK_ROUTE:
        return t("turns.fallback"), "warn"
    if route == STOPPED_ROUTE:
        return t("turns.stopped"), "warn"
    if not route:
        return t("turns.unknown"), "plain"
    model = exchange.model if exchange is not None else ""
    return " · ".join(part for part in (route_text(route, t), model) if part), "plain"


def draw_turns(
    messages: tuple[StoredMessage, ...], exchanges: dict[str, Exchange], actions: TurnActions, t: Translator
) -> None:
    """Draws the messages of a branch in order, with the facts of their turns below the answers."""
    question = ""
    for index, message in enumerate(messages):
        exchange = exchanges.get(message.turn_id)
        if message.role == "user":
            question = message.content
            _draw_message(message, "turn-question", t("turns.question"))
            actions.draw_recordings(message.turn_id)
            unanswered = index + 1 == len(messages) or messages[index + 1].role == "user"
            if unanswered:
                _draw_unanswered(question, exchange, actions, t)
        else:
            with html.div().classes("turn-answer-block").props(f"data-turn={index}"):
                _draw_message(message, "turn-answer", t("turns.answer"))
                _draw_facts(question, message, exchange, actions, t)


def _draw_message(message: StoredMessage, kind: str, name: str) -> None:
    with html.article().classes(f"turn-message {kind}"):
        html.span(name).classes("visually-hidden")
        html.p(message.content).classes("turn-text")


def _draw_unanswered(question: str, exchange: Exchange | None, actions: TurnActions, t: Translator) -> None:
    text, tone = answered_by("", exchange, t) if exchange else (t("turns.no_answer"), "warn")
    with html.div().classes("turn-facts"):
        pill(text, tone)
        _make_answer_button(question, "", None, exchange, actions, t)


def _draw_facts(
    question: str, message: StoredMessage, exchange: Exchange | None, actions: TurnActions, t: Translator
) -> None:
    with html.div().classes("turn-facts"):
        pill(*answered_by(message.route, exchange, t))
        if actions.on_speak is not None:
            speak, content = actions.on_speak, message.content
            icon_button("volume_up", t("turns.speak"), lambda: speak(content))
        _make_answer_button(question, message.content, entry_of_route(message.route), exchange, actions, t)
    if exchange is not None:
        with ui.expansion(t("turns.times")).props("dense").classes("turn-times"):
            draw_waterfall(exchange, t)


def _make_answer_button(
    question: str, answer: str, entry_id: int | None, exchange: Exchange | None, actions: TurnActions, t: Translator
) -> None:
    make = actions.on_make_answer
    if make is None or not question:
        return
    language = exchange.language if exchange else ""
    button = ui.button(t("quick.make"), icon="quiz", on_click=lambda: make(question, answer, language, entry_id))
    button.props("flat dense no-caps aria-haspopup=dialog")
