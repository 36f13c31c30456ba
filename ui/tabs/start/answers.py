"""The prepared answers about the business: corrected and switched on."""

from functools import partial

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.errors import SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from ui.components.answer_speaker import AnswerSpeaker
from ui.components.page_parts import icon_button, pill
from ui.components.section import draw_empty_state
from ui.components.text_fields import TextArea
from ui.tabs.start.step import StepContext

_SHOWN = 6


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    language = panel.services.publisher.current.settings.default_language
    page = await panel.services.faq.list("", language, _SHOWN, 0, enabled=False)
    entries = sorted(page.entries, key=lambda entry: entry.id)
    if not entries:
        draw_empty_state("task_alt", t("start.no_drafts"), t("start.no_drafts_hint"))
    speaker = AnswerSpeaker(panel)
    for entry in entries:
        _draw_entry(step, entry, speaker)
    html.a(t("start.all_answers"), href=f"{panel.root_path}/faq").classes("text-link")


def _draw_entry(step: StepContext, entry: FaqEntry, speaker: AnswerSpeaker) -> None:
    panel, t = step.panel, step.panel.t
    with html.div().classes("start-entry") as block:
        html.h3(entry.question)
        answer = TextArea(t("start.answer"), value=entry.answer).props("outlined autogrow maxlength=4000")
        answer.classes("full-width")
        answer.props["aria-label"] = f"{t('start.answer')}: {entry.question}"

        async def use() -> None:
            fields = entry.model_dump(include=set(FaqDraft.model_fields))
            try:
                draft = FaqDraft.model_validate(fields | {"answer": answer.value or "", "enabled": True})
                await panel.faq.update(entry.id, draft, entry.version)
            except ValidationError:
                answer.error = t("quick.bad_answer")
                return
            except SecretaryError as error:
                panel.toast_error(error)
                return
            panel.toast(t("start.answer_used"))
            block.clear()
            with block, html.div().classes("start-line"):
                with html.div():
                    html.div(entry.question).classes("start-strong")
                    html.div(draft.answer).classes("muted")
                with html.div().classes("start-row"):
                    icon_button("volume_up", t("start.hear_answer"), lambda: speaker.speak(draft.answer))
                    pill(t("start.answer_is_on"), "good")
            await step.done()

        ui.button(t("start.use_answer"), on_click=partial(use)).props("outline dense no-caps")
