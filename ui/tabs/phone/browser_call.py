"""A test call: type a sentence, hear it as a caller does, see the times."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import card, fact
from ui.components.phone_call import CallState, PhoneCall
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext
from ui.error_messages import explain_error_code
from ui.formatting import format_duration

TEMPORARY_KEY_LIFETIME = timedelta(minutes=10)
_KEY_CODES = (4401, 4403)
_MAX_TRIES = 3
_RETRY_S = 0.5


class BrowserCall:
    """Users who manage keys call with a temporary key, which is revoked after the call; others enter one. ``on_heard``
    is awaited after a call that was spoken to its end."""

    def __init__(self, panel: PanelContext, on_heard: Callable[[], Awaitable[None]] | None = None) -> None:
        self._panel = panel
        self._on_heard = on_heard
        self._temporary: tuple[int, str] | None = None
        self._tries = 0
        t = panel.t
        self._makes_key = panel.can_change(AdminResource.KEYS)
        with card(t("phone.call_title"), t("phone.call_note")), html.div().classes("rows"):
            self._text = TextArea(t("phone.call_text"), value=t("phone.call_sentence"))
            self._text.props("outlined autogrow rows=1 maxlength=1000")
            with html.div().classes("phone-call-row"):
                voices = {voice.id: voice.name for voice in panel.services.assistant.voices()}
                self._voice = ui.select({"": t("phone.call_any_voice")} | voices, value="", label=t("phone.call_voice"))
                self._voice.props("outlined dense options-dense")
                if not self._makes_key:
                    self._key = TextInput(t("phone.call_key"), password=True).props("outlined dense autocomplete=off")
                ui.button(t("phone.call_start"), icon="call", on_click=self._start).props("unelevated no-caps")
                ui.button(t("phone.call_stop"), icon="call_end", on_click=self._stop).props("flat no-caps")
            self._result = html.div().classes("phone-result").props("role=status")
            html.p(t("phone.call_how" if self._makes_key else "phone.call_how_key")).classes("muted phone-note")
            self._phone = PhoneCall(_door_path(panel.root_path), self._on_state)

    async def close(self) -> None:
        """Revokes the temporary key."""
        key, self._temporary = self._temporary, None
        if key is not None:
            with suppress(SecretaryError):
                await self._panel.services.office.keys.revoke(key[0], self._panel.session.username)

    async def _start(self) -> None:
        self._tries = 0
        if not (self._text.value or "").strip():
            return
        try:
            if self._makes_key:
                await self._make_key()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._show(self._panel.t("phone.call_connecting"))
        self._call()

    async def _make_key(self) -> None:
        by = self._panel.require_change(AdminResource.KEYS)
        if self._temporary is None:
            now = datetime.now(UTC)
            name = f"{self._panel.t('phone.temporary_key')} {now:%Y-%m-%d %H:%M:%S}"
            keys = self._panel.services.office.keys
            key, plain = await keys.create(name, ("audio",), by, now + TEMPORARY_KEY_LIFETIME)
            self._temporary = key.id, plain

    def _call(self) -> None:
        key = self._temporary[1] if self._temporary else (self._key.value or "").strip()
        self._phone.call(key, (self._text.value or "").strip(), self._voice.value or None)

    async def _stop(self) -> None:
        self._phone.hang_up()
        self._result.clear()
        await self.close()

    async def _on_state(self, state: CallState) -> None:
        t = self._panel.t
        match state.stage:
            case "ready":
                self._show(t("phone.call_ready"))
            case "speaking":
                self._show(t("phone.call_speaking", time=format_duration(state.first_ms, t)))
            case "finished":
                self._show_finished(state)
                await self.close()
                if self._on_heard is not None:
                    await self._on_heard()
            case "error":
                text = explain_error_code(str(state.event.get("code", "")), str(state.event.get("message", "")), t)
                self._show(t("phone.call_failed", text=text))
                await self.close()
            case _:
                await self._on_closed(state)

    async def _on_closed(self, state: CallState) -> None:
        """A new key reaches the phone door within a second, so the first call may come too early."""
        t, code = self._panel.t, state.event.get("code")
        refused = code in _KEY_CODES
        if refused and self._temporary is not None and self._tries < _MAX_TRIES:
            self._tries += 1
            ui.timer(_RETRY_S, self._call, once=True)
            return
        if refused:
            self._show(t("phone.call_refused"))
        elif not state.opened_ms:
            self._show(t("phone.call_unreachable", url=state.url))
        else:
            self._show(t("phone.call_closed", code=code, reason=state.event.get("reason") or "—"))
        await self.close()

    def _show(self, text: str) -> None:
        self._result.clear()
        with self._result:
            html.p(text)

    def _show_finished(self, state: CallState) -> None:
        t, event = self._panel.t, state.event
        self._result.clear()
        with self._result, html.dl().classes("facts phone-facts"):
            fact(t("phone.result_first"), format_duration(state.first_ms, t))
            fact(t("phone.result_door"), format_duration(_number(event, "first_frame_ms"), t))
            fact(t("phone.result_sound"), format_duration(state.frames * 20.0, t))
            fact(t("phone.result_gaps"), f"{_number(event, 'underruns'):.0f}")


def _number(event: dict[str, object], name: str) -> float:
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _door_path(root_path: str) -> str:
    """The path of the phone door beside that of the panel ("/admin/ui")."""
    return f"{root_path.removesuffix('/ui').removesuffix('/admin')}/phone/tts"
