"""One conversation: its turns, export, deletion, and erasure of the person."""

from collections.abc import Callable
from functools import partial
from zoneinfo import ZoneInfo

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.recordings import StoredRecording, playable_type
from deployments.administration.chat.sessions import ChatThread
from deployments.administration.chat.transcripts import transcript_text
from deployments.administration.privacy.service import DataSubject
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import NotFound, SecretaryError
from deployments.contracts.exchange import Exchange
from deployments.contracts.sessions import StoredSession
from ui.components.answer_speaker import AnswerSpeaker
from ui.components.confirmation_dialog import ask_confirmation, ask_typed_confirmation
from ui.components.page_parts import fact
from ui.components.quick_answer import QuickAnswer
from ui.components.recording_player import RecordingPlayer
from ui.components.section import draw_empty_state
from ui.context import PanelContext
from ui.tabs.conversations.listing import channel_text, person_text
from ui.tabs.conversations.turns import TurnActions, draw_turns


class OpenedConversation:
    """Draws a conversation into the current slot. ``back`` leads to the list."""

    def __init__(self, panel: PanelContext, session_id: str, back: Callable[[], None]) -> None:
        self._panel = panel
        self._session_id = session_id
        self._back = back

    async def draw(self) -> None:
        t, panel = self._panel.t, self._panel
        ui.button(t("talks.back"), icon="arrow_back", on_click=self._back).props("flat dense no-caps").classes(
            "talks-back"
        )
        try:
            chats, caller = panel.services.chats, panel.session.identity
            thread = await chats.thread(caller, self._session_id)
            exchanges = await chats.turns(caller, self._session_id)
            recordings = await panel.services.recordings.of_session(caller, self._session_id)
        except NotFound:
            html.h1(t("nav.conversations")).classes("visually-hidden")
            draw_empty_state("forum", t("talks.gone"), t("talks.gone_hint"))
            return
        self._draw_thread(thread, exchanges, recordings)

    def _draw_thread(
        self, thread: ChatThread, exchanges: dict[str, Exchange], recordings: tuple[StoredRecording, ...]
    ) -> None:
        t, panel, session = self._panel.t, self._panel, thread.session
        speaker, quick = AnswerSpeaker(panel), QuickAnswer(panel)
        with html.div().classes("page-head"):
            html.h1(session.title or t("talks.untitled"))
            with html.div().classes("page-actions"):
                self._draw_actions(session)
        with html.dl().classes("facts talks-facts"):
            fact(t("talks.channel"), channel_text(panel, session))
            fact(t("talks.person"), person_text(panel, session))
            if session.created_at:
                zone = ZoneInfo(panel.services.publisher.current.settings.time_zone)
                fact(t("talks.started"), f"{session.created_at.astimezone(zone):%d.%m.%Y %H:%M}")
            fact(t("talks.messages"), str(session.message_count))
        if not recordings and not panel.services.publisher.current.settings.privacy.keep_recordings:
            html.p(t("talks.no_recording")).classes("turn-note")
        actions = TurnActions(
            on_speak=speaker.speak,
            on_make_answer=quick.open if panel.faq.can_change else None,
            draw_recordings=lambda turn_id: self._draw_recordings(recordings, turn_id),
        )
        with html.section().classes("talks-thread").props(f'aria-label="{t("talks.thread")}"'):
            if thread.messages:
                draw_turns(thread.messages, exchanges, actions, t)
            else:
                draw_empty_state("forum", t("talks.no_messages"))

    def _draw_recordings(self, recordings: tuple[StoredRecording, ...], turn_id: str) -> None:
        for recording in recordings:
            if recording.turn_id == turn_id:
                RecordingPlayer(self._panel, recording.seconds, partial(self._read_recording, recording.id))

    async def _read_recording(self, recording_id: str) -> tuple[bytes, str]:
        panel = self._panel
        recording, sound = await panel.services.recordings.read(panel.session.identity, self._session_id, recording_id)
        return sound, playable_type(recording)

    def _draw_actions(self, session: StoredSession) -> None:
        t, panel = self._panel.t, self._panel
        button = ui.button(t("talks.export"), icon="download").props("flat no-caps aria-haspopup=menu")
        with button, ui.menu().classes("menu"):
            for format_, name in (("txt", "talks.export_txt"), ("md", "talks.export_md")):
                ui.menu_item(t(name), on_click=lambda format_=format_: self._export(format_)).props("role=menuitem")
        if panel.can_change(AdminResource.PRIVACY):
            ui.button(t("talks.erase"), icon="person_remove", on_click=lambda: self._erase(session)).props(
                "flat no-caps aria-haspopup=dialog"
            )
        ui.button(t("common.delete"), icon="delete_outline", on_click=self._delete).props(
            "flat no-caps aria-haspopup=dialog"
        )

    async def _export(self, format_: str) -> None:
        try:
            thread = await self._panel.services.chats.thread(self._panel.session.identity, self._session_id)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        ui.download.content(transcript_text(thread, format_), f"{self._session_id}.{format_}")

    async def _delete(self) -> None:
        t, panel = self._panel.t, self._panel
        title = t("talks.delete_title")
        if not await ask_confirmation(
            panel.client, title, t("talks.delete_text"), t("common.delete"), t("common.cancel")
        ):
            return
        try:
            panel.require_change(AdminResource.CONVERSATIONS)
            await panel.services.chats.remove(panel.session.identity, (self._session_id,))
        except SecretaryError as error:
            panel.toast_error(error)
            return
        panel.toast(t("talks.deleted"))
        self._back()

    async def _erase(self, session: StoredSession) -> None:
        t, panel = self._panel.t, self._panel
        subject = subject_of(session)
        text = t("talks.erase_text", person=person_text(panel, session), channel=channel_text(panel, session))
        if not await ask_typed_confirmation(panel, t("talks.erase_title"), text, subject.person, t("talks.erase")):
            return
        try:
            panel.require_change(AdminResource.PRIVACY)
            erased = await panel.services.office.privacy.erase(subject, panel.session.identity)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        panel.toast(t.count("talks.erased", erased.conversations))
        self._back()


def subject_of(session: StoredSession) -> DataSubject:
    """The person of a conversation, at its channel. In a Telegram group the person is ``<group>:<account>``."""
    kind = session.source.kind
    person = session.person.rpartition(":")[2] if kind is SourceKind.TELEGRAM else session.person
    return DataSubject(person, kind.value, session.source.instance_id or None)
