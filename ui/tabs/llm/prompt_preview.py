"""What the model gets, and how it answers with it, before anything is saved."""

import asyncio
import uuid

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.office.text_bounds import require_text
from deployments.contracts.chat import ChatMessage, ChatTurn, Route, SourceKind, TurnSource
from deployments.contracts.errors import SecretaryError
from deployments.conversation.persona_prompt import preview_prompt
from ui.components.panel_answer import PanelAnswer, failure_text, origin_text, timing_texts
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.llm.persona_fields import PersonaFields

_MAX_QUESTION = 2_000


class PromptPreviewCard:
    """Draws the preview in the current slot. A new question stops the answer to the last one."""

    def __init__(self, panel: PanelContext, fields: PersonaFields) -> None:
        self._panel = panel
        self._fields = fields
        self._answering: asyncio.Task[None] | None = None
        t = panel.t
        with html.section().classes("llm-preview"):
            html.h3(t("persona.try")).classes("llm-subtitle")
            with html.div().classes("models-filter"):
                self._question = TextInput(t("persona.question")).props(f"outlined dense maxlength={_MAX_QUESTION}")
                self._question.classes("models-search").on("keydown.enter", self._ask)
                ui.button(t("persona.ask"), icon="send", on_click=self._ask).props("outline no-caps")
                ui.button(t("persona.show_prompt"), on_click=self._show_prompt).props("flat no-caps")
            self._answer = ui.label().classes("llm-answer").props("aria-live=polite data-part=answer")
            self._origin = ui.label().classes("muted")
            self._prompt = ui.label().classes("llm-full-prompt").props("data-part=prompt tabindex=0")
            for label in (self._answer, self._origin, self._prompt):
                label.set_visibility(False)

    def _rendered(self) -> str:
        fields = self._fields
        zone = self._panel.services.publisher.current.settings.time_zone
        return preview_prompt(fields.preview_persona(), fields.language, fields.shown.prompt, zone).text

    def _show_prompt(self) -> None:
        self._prompt.text = self._rendered() or self._panel.t("persona.empty_prompt")
        self._prompt.set_visibility(True)

    async def _ask(self) -> None:
        question = (self._question.value or "").strip()
        if not question:
            return
        if self._answering is not None:
            self._answering.cancel()
        try:
            self._panel.require_change(AdminResource.PROMPTS)
            require_text(question, _MAX_QUESTION, "question")
            turn = ChatTurn(
                turn_id=uuid.uuid4().hex,
                source=TurnSource(SourceKind.ADMIN),
                messages=(ChatMessage("user", question),),
                route=Route.parse(self._fields.route),
                options=self._fields.sampling.options,
                system_prompt=self._rendered(),
                locale=self._fields.language,
                uses_faq=False,
            )
            self._answering = asyncio.ensure_future(self._stream(turn))
            await self._answering
        except SecretaryError as error:
            self._panel.toast_error(error)
        except asyncio.CancelledError:
            if self._answering is None or not self._answering.cancelled():
                raise

    async def _stream(self, turn: ChatTurn) -> None:
        t, answer = self._panel.t, PanelAnswer()
        self._answer.text = t("persona.thinking")
        self._answer.set_visibility(True)
        self._origin.set_visibility(False)
        async for event in self._panel.services.assistant.reply(turn):
            if self._answer.is_deleted:
                return
            answer.apply(event)
            self._answer.text = answer.text or t("persona.thinking")
        self._answer.text = " ".join(part for part in (answer.text, failure_text(answer, t)) if part)
        parts = [origin_text(answer, t)]
        if answer.finished is not None:
            parts += timing_texts(answer.finished.timings, t)
        self._origin.text = " · ".join(part for part in parts if part)
        self._origin.set_visibility(bool(self._origin.text))
