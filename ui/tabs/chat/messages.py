"""The stored messages of a conversation, each with what can be done with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from nicegui import html, ui

from deployments.administration.chat.running_turns import RunningTurn
from deployments.administration.chat.sessions import ChatThread
from deployments.contracts.exchange import Exchange
from deployments.contracts.sessions import STOPPED_ROUTE, StoredMessage
from deployments.contracts.speech import SpeechRequest
from ui.components.bubbles import draw_details
from ui.components.panel_answer import AnswerDetail, PanelAnswer, answer_details, exchange_details
from ui.components.quick_answer import entry_of_route
from ui.components.spoken_text import SpokenText
from ui.components.text_fields import TextArea
from ui.context import PanelContext
from ui.translations import Translator


@dataclass(frozen=True, slots=True)
class ThreadItem:
    """A message as it is drawn. ``versions`` are the ids of the message and its alternatives, oldest first.
    ``unanswered``: a question at the end that has no answer. ``question`` is what an answer answers, ``language`` that
    of the question when it is known."""

    message: StoredMessage
    versions: tuple[int, ...] = ()
    details: tuple[AnswerDetail, ...] = ()
    unanswered: bool = False
    can_change: bool = True
    question: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class MessageActions:
    """What the buttons of a message do. ``request`` is the speech of an answer. ``make_answer`` makes an answer a
    prepared one; None for users who may not change the FAQ."""

    edit: Callable[[StoredMessage, str], Awaitable[None]]
    regenerate: Callable[[StoredMessage], Awaitable[None]]
    delete: Callable[[StoredMessage], Awaitable[None]]
    show_version: Callable[[int], Awaitable[None]]
    request: Callable[[StoredMessage], SpeechRequest]
    make_answer: Callable[[str, str, str, int | None], Awaitable[None]] | None


def message_details(
    message: StoredMessage, live: PanelAnswer | None, exchange: Exchange | None, t: Translator
) -> tuple[AnswerDetail, ...]:
    """The source and the times of a stored answer: from its events on this page, else from the report of the turn."""
    if message.role == "user":
        return ()
    if message.route == STOPPED_ROUTE:
        return (AnswerDetail(t("chat.stopped"), "stopped"),)
    if live is not None:
        return answer_details(live, t)
    return exchange_details(message.route, exchange, t)


def thread_items(
    thread: ChatThread, turns: dict[str, Exchange], live: dict[int, PanelAnswer], t: Translator, *, can_change: bool
) -> tuple[ThreadItem, ...]:
    """The messages of a conversation. ``turns`` are reports by turn, ``live`` the answers received on this page."""
    last = thread.messages[-1].id if thread.messages else 0
    questions = {each.id: each.content for each in thread.messages if each.role == "user"}
    return tuple(
        ThreadItem(
            message,
            thread.versions.get(message.id, ()),
            message_details(message, live.get(message.id), turns.get(message.turn_id), t),
            unanswered=message.id == last,
            can_change=can_change,
            question=questions.get(message.parent_id or 0, ""),
            language=turn.language if (turn := turns.get(message.turn_id)) else "",
        )
        for message in thread.messages
    )


def without_answer_of(turn: RunningTurn | None, items: tuple[ThreadItem, ...]) -> tuple[ThreadItem, ...]:
    """``items`` without the answer of the running ``turn``, which is drawn from its events."""
    if turn is None:
        return items
    question_id = next(update.id for update in turn.updates if isinstance(update, StoredMessage))
    return tuple(item for item in items if item.message.parent_id != question_id)


class MessageView:
    """Draws items. ``spoken`` reads answers aloud."""

    def __init__(self, panel: PanelContext, actions: MessageActions, spoken: SpokenText) -> None:
        self._panel = panel
        self._actions = actions
        self._spoken = spoken

    def draw(self, item: ThreadItem) -> ui.element:
        message, t = item.message, self._panel.t
        is_question = message.role == "user"
        state = "message-user" if is_question else "message-assistant message-closed"
        with html.article().classes(f"message {state}") as article:
            article.props(f"data-message={message.id}")
            html.span(t("chat.you") if is_question else t("product")).classes("visually-hidden")
            with html.div().classes("message-body") as body:
                ui.label(message.content).classes("bubble")
            if item.details:
                with html.div().classes("bubble-details"):
                    draw_details(item.details)
            with html.div().classes("message-tools"):
                self._draw_tools(item, body)
        element: ui.element = article
        return element

    def _draw_tools(self, item: ThreadItem, body: html.div) -> None:
        message, t, actions = item.message, self._panel.t, self._actions
        if len(item.versions) > 1:
            self._draw_versions(item)
        if message.role != "user":
            self._spoken.button(f"message-{message.id}", lambda: actions.request(message))
        _tool("content_copy", t("chat.copy"), lambda: self._copy(message))
        make, entry_id = actions.make_answer, entry_of_route(message.route)
        if make is not None and item.question:
            quiz = _tool("quiz", t("quick.make"), lambda: make(item.question, message.content, item.language, entry_id))
            quiz.props("aria-haspopup=dialog")
        if not item.can_change:
            return
        if message.role == "user":
            _tool("edit", t("chat.edit"), lambda: self._edit(message, body))
        if message.role != "user" or item.unanswered:
            _tool("refresh", t("chat.again"), lambda: actions.regenerate(message))
        _tool("delete_outline", t("chat.delete_from_here"), lambda: actions.delete(message)).props(
            "aria-haspopup=dialog"
        )

    def _draw_versions(self, item: ThreadItem) -> None:
        t, versions = self._panel.t, item.versions
        here = versions.index(item.message.id)
        with html.div().classes("message-versions").props(f'role=group aria-label="{t("chat.versions")}"'):
            for icon, label, target in (
                ("chevron_left", t("chat.version_before"), here - 1),
                ("chevron_right", t("chat.version_after"), here + 1),
            ):
                if target > here:
                    html.span(t("chat.version", number=here + 1, total=len(versions)))
                exists = 0 <= target < len(versions)
                button = _tool(icon, label, partial(self._actions.show_version, versions[target if exists else here]))
                if not exists:
                    button.props("disabled")

    def _copy(self, message: StoredMessage) -> None:
        ui.clipboard.write(message.content)
        self._panel.toast(self._panel.t("common.copied"))

    def _edit(self, message: StoredMessage, body: html.div) -> None:
        t = self._panel.t

        def restore() -> None:
            body.clear()
            body.classes(remove="message-editing")
            with body:
                ui.label(message.content).classes("bubble")

        async def send() -> None:
            text = str(field.value or "").strip()
            restore()
            if text and text != message.content:
                await self._actions.edit(message, text)

        body.clear()
        body.classes("message-editing")
        with body:
            field = TextArea(value=message.content).props("outlined autogrow autofocus").classes("message-field")
            field.props["aria-label"] = t("chat.edit")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=restore).props("flat dense no-caps")
                ui.button(t("chat.ask_again"), on_click=send).props("unelevated dense no-caps")


def _tool(icon: str, label: str, act: Callable[[], object]) -> html.button:
    with html.button(type="button").classes("icon-button small").on("click", lambda: act()) as button:
        ui.icon(icon).props("aria-hidden=true")
    button.props["aria-label"] = button.props["title"] = label
    return button
