"""The proof that a bot works: it runs, it knows its owner, a message has come and was answered."""

from dataclasses import dataclass, replace

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.sessions import SessionFilter
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import NotFound, SecretaryError
from deployments.contracts.instances import BotSpec
from deployments.contracts.sessions import StoredMessage
from ui.components.answer_speaker import AnswerSpeaker
from ui.components.bubbles import question_bubble
from ui.components.page_parts import attempt, icon_button
from ui.components.section import RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.formatting import format_moment
from ui.tabs.start.step import StepContext
from ui.tabs.telegram.bot_state import BotState, draw_advice, draw_state, status_reader

_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class _View:
    """``current``: the process has the newest settings. ``refused`` is the person whom a bot that answers nobody has
    refused last. ``question`` and ``answer`` are the newest ones that are stored."""

    spec: BotSpec
    state: BotState
    current: bool
    refused: tuple[int, str] = (0, "")
    question: StoredMessage | None = None
    answer: StoredMessage | None = None

    @property
    def waits_for_owner(self) -> bool:
        return self.spec.access == "listed" and not (self.spec.allowed_users or self.spec.admin_users)


class TelegramProof:
    """Looks every second, so that a message is seen as soon as it is stored."""

    def __init__(self, step: StepContext, bot_id: str) -> None:
        self._step = step
        self._panel = step.panel
        self._bot_id = bot_id
        self._strangers: set[int] = set()
        self._section: RedrawnSection[_View | None] = RedrawnSection(html.div().classes("start-stack"), self._draw)
        self._speaker = AnswerSpeaker(self._panel)
        refresh_while_visible(self._panel, self.refresh, _POLL_S)

    async def refresh(self) -> None:
        try:
            view = await self._read()
        except NotFound:
            view = None
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._section.show(view)
        if view is not None and view.answer is not None:
            await self._step.done()

    async def _read(self) -> _View:
        """Raises NotFound for a bot that was deleted."""
        panel = self._panel
        panel.require_read(AdminResource.BOTS)
        spec = await panel.services.office.bots.get(self._bot_id)
        status = await status_reader(panel).status_of(spec)
        refused = (status.refused_id, status.refused_name)
        view = _View(
            spec,
            replace(BotState.of(status), updates=0, failures=0, sessions=0, answers_nobody=False),
            status.current is not False,
            (0, "") if status.refused_id in self._strangers else refused,
        )
        filters = SessionFilter(source=SourceKind.TELEGRAM.value, source_id=spec.id)
        sessions, _ = await panel.services.chats.page(panel.session.identity, filters, 1, 0)
        if not sessions:
            return view
        messages = (await panel.services.chats.thread(panel.session.identity, sessions[0].id, 2)).messages
        question = next((each for each in reversed(messages) if each.role == "user"), None)
        answer = messages[-1] if messages and messages[-1].role == "assistant" else None
        return replace(view, question=question, answer=answer)

    def _draw(self, view: _View | None) -> None:
        t = self._panel.t
        if view is None:
            html.p(t("start.bot_gone"))
            return
        with html.div().classes("start-bot"):
            html.h3(view.spec.name)
            draw_state(self._panel, view.state)
        draw_advice(self._panel, view.state)
        self._draw_access(view)
        if view.state.state != "running" or not view.current:
            if view.state.state in ("starting", "running", "restarting"):
                self._draw_waiting(t("start.bot_starting"))
        elif view.waits_for_owner:
            self._draw_owner(view)
        elif view.question is None:
            self._draw_waiting(t("start.send_message", bot=f"@{view.state.username}"))
        if view.question is not None:
            self._draw_exchange(view.question, view.answer)

    def _draw_access(self, view: _View) -> None:
        t, spec = self._panel.t, view.spec
        people = len({*spec.allowed_users, *spec.admin_users})
        with html.p().classes("start-access"):
            if spec.access == "everyone":
                html.span(t("start.answers_everyone"))
            elif view.waits_for_owner:
                html.span(t("start.answers_nobody"))
            else:
                html.span(t.count("start.answers_listed", people))
            link = html.a(t("start.change_access")).classes("text-link")
            link.props["href"] = f"{self._panel.root_path}/telegram?bot={spec.id}&part=access"

    def _draw_owner(self, view: _View) -> None:
        """Asks whether the person who wrote is the owner."""
        t, (user_id, name) = self._panel.t, view.refused
        if not user_id:
            self._draw_waiting(t("start.introduce_yourself", bot=f"@{view.state.username}"))
            return
        with html.div().classes("notice start-owner").props("role=status"):
            html.span(t("start.is_it_you", name=name, id=user_id))
            with html.div().classes("start-actions"):
                ui.button(t("start.it_is_me"), on_click=lambda: self._admit(view.spec, user_id)).props(
                    "unelevated no-caps"
                )
                ui.button(t("start.not_me"), on_click=lambda: self._ignore(user_id)).props("flat no-caps")

    async def _admit(self, spec: BotSpec, user_id: int) -> None:
        async def admit() -> None:
            by = self._panel.require_change(AdminResource.BOTS)
            await self._panel.services.office.bots.change(spec.id, {"allowed_users": (user_id,)}, by, spec.version)

        await attempt(self._panel, admit, self._panel.t("start.owner_known"))
        await self.refresh()

    async def _ignore(self, user_id: int) -> None:
        self._strangers.add(user_id)
        await self.refresh()

    def _draw_waiting(self, text: str) -> None:
        with html.div().classes("start-waiting").props("role=status"):
            ui.spinner(size="20px").props("aria-hidden=true")
            html.span(text)

    def _draw_exchange(self, question: StoredMessage, answer: StoredMessage | None) -> None:
        t = self._panel.t
        text = "start.message_answered" if answer else "start.message_unanswered"
        with html.div().classes("start-exchange").props("role=status"):
            html.p(t(text, time=format_moment(question.created_at, self._panel.time_zone, t))).classes(
                "start-proof" if answer else ""
            )
            question_bubble(question.content, t)
            if answer is None:
                return
            with html.article().classes("message message-assistant message-closed"):
                html.span(t("product")).classes("visually-hidden")
                ui.label(answer.content).classes("bubble")
                with html.div().classes("row-line"):
                    icon_button("volume_up", t("start.hear_answer"), lambda: self._speaker.speak(answer.content))
