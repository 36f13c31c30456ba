"""The chat with the secretary: the conversations, and the open one as streamed text and speech."""

import asyncio
import weakref
from collections.abc import Coroutine
from urllib.parse import parse_qs

from nicegui import background_tasks, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.sessions import SessionFilter
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import NotFound, SecretaryError
from ui.components.browser_draft import BrowserDraft
from ui.components.composer import Composer, ComposerState
from ui.components.language_notice import LanguageNotice
from ui.components.page_parts import icon_button
from ui.components.speech_player import SpeechPlayer
from ui.components.spoken_text import SpokenText
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.preferences import SPEAK_COOKIE, cookie_script
from ui.tabs.chat.conversation import Conversation
from ui.tabs.chat.history import HistoryRail
from ui.tabs.chat.history_row import session_title
from ui.tabs.chat.live_talk import LiveTalk, TalkActions
from ui.tabs.chat.session_settings import SessionSettings
from ui.tabs.chat.turn_speech import TurnSpeech
from ui.url_state import UrlState

SOURCE = TurnSource(SourceKind.ADMIN)


async def show(panel: PanelContext) -> None:
    chat = ChatTab(panel)
    try:
        await chat.open(UrlState(panel).get("id"))
        chat.follow_address()
        await chat.notice.refresh()
        async with keep_tab_open():
            refresh_while_visible(panel, chat.refresh)
    finally:
        chat.close()


class ChatTab:
    """The page. ``open`` shows the conversation of an id, or the last one of the user."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._url = UrlState(panel)
        self._opening = asyncio.Lock()
        self.closed = False
        t = panel.t
        html.h1(t("nav.chat")).classes("visually-hidden")
        self._player = SpeechPlayer(self._on_played, lambda: panel.toast(t("chat.blocked"), "info"))
        self._speech = TurnSpeech(panel, self._player, self._wants_speech, self._on_state)
        self._spoken = SpokenText(panel, self._player, before_start=self._speech.stop)
        with html.div().classes("chat-page"):
            self._history = HistoryRail(panel, self._on_removed, self._on_renamed)
            with html.div().classes("chat"):
                self._build_bar()
                self.notice = LanguageNotice(panel)
                self._conversation = Conversation(panel, self._speech, self._spoken, self._on_read, self._on_refused)
                with html.div() as self._input_area:
                    self._talk = LiveTalk(panel, TalkActions(self._ask, self._stop))
                    self._composer = Composer(panel, self._ask, self._stop, self._talk.draw_button)
                    self._draft = BrowserDraft(panel.session.username, self._on_draft)
                self._elsewhere = html.p(t("chat.only_reading")).classes("notice").props("role=note")
        self._settings = SessionSettings(panel, self._reload)
        self._elsewhere.set_visibility(False)

    def _build_bar(self) -> None:
        panel, t = self._panel, self._panel.t
        with html.div().classes("chat-bar"):
            icon_button("menu", t("chat.open_history"), lambda: self._history.open()).classes("chat-open-history")
            self._title = ui.label().classes("chat-title").props("role=heading aria-level=2")
            with html.div().classes("chat-tools"):
                self._speak = ui.switch(t("chat.speak"), value=panel.preferences.speak_answers)
                self._speak.props("dense").classes("speak-switch")
                self._speak.on_value_change(lambda e: self._keep_speaking(bool(e.value)))
                icon_button("tune", t("chat.settings"), self._open_settings).props("aria-haspopup=dialog")
                icon_button("delete_outline", t("chat.delete"), self._remove).props("aria-haspopup=dialog")
                new = ui.button(t("chat.new"), icon="add_comment", on_click=self._new)
                new.props("flat dense no-caps no-wrap").classes("chat-new").props["aria-label"] = t("chat.new")

    async def open(self, session_id: str = "") -> None:
        """Shows a conversation; for an unknown id, and without one, the last one of the user."""
        async with self._opening:
            try:
                await self._open(session_id or await self._newest())
            except NotFound as error:
                self._panel.toast_error(error)
                self._url.set(id=None)
                await self._open(await self._newest())
            except SecretaryError as error:
                self._panel.toast_error(error)

    async def _open(self, session_id: str) -> None:
        before = self._conversation.session
        if before is not None and before.id != session_id:
            self._silence()
            self._talk.stop()
            self._composer.text = ""
        await self._conversation.open(session_id)
        if before is None or before.id != session_id:
            self._draft.watch(f"chat:{session_id}")

    def follow_address(self) -> None:
        """Opens the conversation that a link or the back button names."""
        page, router = weakref.ref(self), ui.context.client.sub_pages_router

        async def follow(path: str) -> None:
            place, _, query = path.partition("#")[0].partition("?")
            if (chat := page()) is not None and not chat.closed and place.rstrip("/") == "/chat":
                await chat.open(parse_qs(query).get("id", [""])[0])

        router.on_path_changed(lambda path: _start(follow(path)))

    def close(self) -> None:
        """Stops updating the page. A running turn continues in the office."""
        self.closed = True
        self._talk.stop()
        self._conversation.close()
        self._spoken.close()

    async def refresh(self) -> None:
        """Shows what was changed in other windows."""
        await self.notice.refresh()
        try:
            await self._conversation.refresh()
        except NotFound:
            await self.open()
        except SecretaryError as error:
            self._panel.toast_error(error)
        await self._history.refresh()

    async def _newest(self) -> str:
        services, caller = self._panel.services, self._panel.session.identity
        mine = SessionFilter(source=SourceKind.ADMIN.value, owner=caller.username)
        found, _ = await services.chats.page(caller, mine, 1, 0)
        return found[0].id if found else (await services.conversations.open(SOURCE, caller.username)).session_id

    async def _new(self) -> None:
        """Opens an empty conversation: the current one if it is empty."""
        panel = self._panel
        try:
            username = panel.require_change(AdminResource.CONVERSATIONS)
            newest = await panel.services.chats.get(panel.session.identity, await self._newest())
            if newest.message_count or newest.title:
                session_id = (await panel.services.conversations.restart(SOURCE, username)).session_id
            else:
                session_id = newest.id
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            await self._stop()
            self._url.set(id=session_id)
            await self.open(session_id)

    async def _on_read(self) -> None:
        session, t = self._conversation.session, self._panel.t
        if session is None:
            return
        self._title.text = session_title(session, t)
        self._input_area.set_visibility(self._conversation.can_write)
        self._elsewhere.set_visibility(not self._conversation.can_write)
        await self._history.refresh(session.id)

    async def _on_removed(self, session_ids: tuple[str, ...]) -> None:
        session = self._conversation.session
        if session is not None and session.id in session_ids:
            self._url.set(id=None)
            await self.open()

    async def _on_renamed(self) -> None:
        await self._reload()

    async def _reload(self) -> None:
        if self._conversation.session is not None and not self._conversation.answering:
            await self.open(self._conversation.session.id)

    async def _open_settings(self) -> None:
        if self._conversation.session is not None:
            await self._settings.open(self._conversation.session)

    async def _remove(self) -> None:
        if self._conversation.session is not None:
            await self._history.remove((self._conversation.session.id,))

    async def _ask(self, text: str) -> None:
        async with self._opening:
            pass  # a question that is sent while the page opens follows it
        if self._conversation.session is None:  # nothing could be opened, and the reason was shown
            self._composer.text = text
            return
        self._spoken.stop()
        self._draft.forget()
        await self._conversation.ask(text)

    async def _stop(self) -> None:
        self._silence()
        try:
            await self._conversation.stop()
        except SecretaryError as error:
            self._panel.toast_error(error)

    def _silence(self) -> None:
        self._speech.stop()
        self._spoken.stop()

    def _keep_speaking(self, speak: bool) -> None:
        path = f"{self._panel.root_path}/"
        ui.run_javascript(cookie_script(SPEAK_COOKIE, "on" if speak else "off", path))

    def _wants_speech(self) -> bool:
        return bool(self._speak.value) or self._talk.is_on

    def _on_state(self, state: ComposerState) -> None:
        self._composer.set_state(state)
        self._talk.follow(answering=state is ComposerState.ANSWERING, speaking=self._speech.speaking)

    def _on_played(self, speech_id: str) -> None:
        self._speech.on_played(speech_id)
        self._spoken.on_played(speech_id)

    def _on_refused(self, text: str) -> None:
        if not self._composer.text:
            self._composer.text = text

    def _on_draft(self, values: dict[str, str]) -> None:
        if not self._composer.text:
            self._composer.text = values.get("question", "")


def _start(work: Coroutine[None, None, None]) -> None:
    background_tasks.create(work, name="open a conversation")
