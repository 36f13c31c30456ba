"""Start: the way from the first password to a secretary that answers, in steps that can be skipped and resumed."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.office.start_guide import START_STEPS, StartProgress, StepState
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import Tone, page_heading, pill
from ui.context import PanelContext, keep_tab_open
from ui.tabs.start import answers, ask, channel, company, mind, safety, voice
from ui.tabs.start.step import StepContext
from ui.url_state import UrlState

_STEPS: dict[str, Callable[[StepContext], Awaitable[None]]] = {
    "company": company.draw,
    "mind": mind.draw,
    "ask": ask.draw,
    "voice": voice.draw,
    "answers": answers.draw,
    "channel": channel.draw,
    "safety": safety.draw,
}
_TONES: dict[StepState, Tone] = {StepState.DONE: "good", StepState.SKIPPED: "plain", StepState.OPEN: "plain"}


async def show(panel: PanelContext) -> None:
    tab = StartTab(panel)
    await tab.draw()
    async with keep_tab_open():
        pass


class StartTab:
    """One step is open: that of the address, else the first that is not done."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._guide = panel.services.office.start_guide
        self._state = UrlState(panel)
        self._root = html.div().classes("start")
        self._pills: dict[str, html.div] = {}

    async def draw(self) -> None:
        panel, t = self._panel, self._panel.t
        progress = await self._guide.progress()
        opened = self._state.get("step")
        if opened not in START_STEPS:
            opened = progress.next_step or ""
        self._root.clear()
        with self._root:
            with page_heading(t("start.title"), t("start.lead")):
                ui.button(t("start.dismiss"), on_click=self._dismiss).props("flat no-caps")
            html.p(t("start.progress", done=progress.done_count, all=len(START_STEPS))).classes("start-note")
            if progress.next_step is None:
                with html.section().classes("card start-finished").props("role=status"):
                    html.h2(t("start.finished"))
                    html.a(t("start.to_home"), href=f"{panel.root_path}/").classes("text-link")
            with html.ol().classes("start-steps"):
                for number, name in enumerate(START_STEPS, 1):
                    with html.li().classes("card start-step").props(f"data-step={name}"):
                        await self._draw_step(number, name, progress, opened=name == opened)

    async def _draw_step(self, number: int, name: str, progress: StartProgress, *, opened: bool) -> None:
        t = self._panel.t
        with html.div().classes("start-head"):
            with html.h2(), html.button(type="button").classes("start-toggle") as button:
                html.span(str(number)).classes("start-number").props("aria-hidden=true")
                html.span(t(f"start.step_{name}"))
            button.props["aria-expanded"] = str(opened).lower()
            button.on("click", partial(self._open, "" if opened else name))
            self._pills[name] = html.div()
            self._draw_state(name, progress.state(name))
        if opened:
            html.p(t(f"start.about_{name}")).classes("start-about")
            done, proceed = partial(self._mark, name), partial(self._mark_and_proceed, name)
            with html.div().classes("start-body"):
                await _STEPS[name](StepContext(self._panel, done, proceed, partial(self._leave, name)))
            skip = ui.button(t("start.skip"), on_click=partial(self._leave, name)).props("flat dense no-caps")
            skip.classes("start-skip")

    def _draw_state(self, name: str, state: StepState) -> None:
        self._pills[name].clear()
        with self._pills[name]:
            pill(self._panel.t(f"start.state_{state.value}"), _TONES[state])

    async def _open(self, name: str) -> None:
        self._state.set(step=name or "none")
        await self._redraw()

    async def _redraw(self) -> None:
        try:
            await self.draw()
        except SecretaryError as error:
            self._panel.toast_error(error)

    async def _mark(self, name: str) -> None:
        """Marks the step as done and leaves it open, so that its result stays visible."""
        await self._guide.mark(name, StepState.DONE)
        self._draw_state(name, StepState.DONE)

    async def _mark_and_proceed(self, name: str) -> None:
        await self._store(name, StepState.DONE)

    async def _leave(self, name: str) -> None:
        await self._store(name, StepState.SKIPPED)

    async def _store(self, name: str, state: StepState) -> None:
        try:
            self._panel.require_change(AdminResource.USERS)
            progress = await self._guide.mark(name, state)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        following = START_STEPS[START_STEPS.index(name) + 1 :]
        after = next((each for each in following if progress.state(each) is StepState.OPEN), progress.next_step)
        self._state.set(step=after)
        await self._redraw()

    async def _dismiss(self) -> None:
        try:
            self._panel.require_change(AdminResource.USERS)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        await self._guide.dismiss()
        ui.navigate.to("/")
