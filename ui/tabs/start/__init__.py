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
_SHOW_OPEN = "document.querySelector('.start-open')?.scrollIntoView({block: 'start'})"
_TONES: dict[StepState, Tone] = {StepState.DONE: "good", StepState.SKIPPED: "plain", StepState.OPEN: "plain"}


async def show(panel: PanelContext) -> None:
    tab = StartTab(panel)
    await tab.draw()
    try:
        async with keep_tab_open():
            pass
    finally:
        await tab.leave_step()


class StartTab:
    """One step is open: that of the address, else the first that is not done."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._guide = panel.services.office.start_guide
        self._url = UrlState(panel)
        self._root = html.div().classes("start")
        self._pills: dict[str, html.div] = {}
        self._marks: dict[str, html.span] = {}
        self._opened = ""
        self._on_leave: list[Callable[[], Awaitable[None]]] = []

    async def draw(self) -> None:
        panel, t = self._panel, self._panel.t
        progress = await self._guide.progress()
        await self.leave_step()
        opened = self._url.get("step")
        self._opened = opened if opened in (*START_STEPS, "none") else progress.next_step or ""
        self._root.clear()
        with self._root:
            page_heading(t("start.title"), t("start.lead"))
            with html.div().classes("start-progress"):
                self._note = ui.label().classes("start-note")
                ui.button(t("start.dismiss"), on_click=self._dismiss).props("flat dense no-caps")
                self._bar = ui.linear_progress(0, show_value=False, size="6px").props("rounded aria-hidden=true")
            self._show_progress(progress)
            if progress.next_step is None:
                with html.section().classes("card start-finished").props("role=status"):
                    html.h2(t("start.finished"))
                    html.a(t("start.to_home"), href=f"{panel.root_path}/").classes("text-link")
            with html.ol().classes("start-steps"):
                for number, name in enumerate(START_STEPS, 1):
                    with html.li().classes("card start-step").props(f"data-step={name}") as item:
                        item.classes("start-open" if name == self._opened else "")
                        await self._draw_step(number, name, progress)

    async def leave_step(self) -> None:
        """Ends what the open step has begun."""
        leaving = tuple(self._on_leave)
        self._on_leave.clear()
        for end in leaving:
            await end()

    async def _draw_step(self, number: int, name: str, progress: StartProgress) -> None:
        t, opened = self._panel.t, name == self._opened
        with html.div().classes("start-head"):
            with html.h2(), html.button(type="button").classes("start-toggle") as button:
                self._marks[name] = html.span(str(number)).classes("start-number").props("aria-hidden=true")
                html.span(t(f"start.step_{name}"))
            button.props["aria-expanded"] = str(opened).lower()
            button.on("click", partial(self._open, "none" if opened else name))
            self._pills[name] = html.div()
            self._draw_state(name, progress.state(name))
        if opened:
            html.p(t(f"start.about_{name}")).classes("start-about")
            done, proceed = partial(self._mark, name), partial(self._store, name, StepState.DONE)
            with html.div().classes("start-body") as body:
                foot = html.div().classes("start-foot")
                with foot:
                    self._leave = ui.button(on_click=partial(self._store, name, StepState.SKIPPED)).props("no-caps")
                self._show_leave(name, progress.state(name))
                await _STEPS[name](StepContext(self._panel, self._url, done, proceed, self._on_leave))
                foot.move(body)

    def _show_leave(self, name: str, state: StepState) -> None:
        """The button that leaves the step: "skip" until it is done."""
        done = state is StepState.DONE
        last = name == START_STEPS[-1]
        self._leave.text = self._panel.t("start.skip" if not done else "start.finish" if last else "start.next")
        self._leave.props("unelevated" if done else "flat", remove="flat" if done else "unelevated")

    def _show_progress(self, progress: StartProgress) -> None:
        self._note.text = self._panel.t("start.progress", done=progress.done_count, all=len(START_STEPS))
        self._bar.value = progress.done_count / len(START_STEPS)

    def _draw_state(self, name: str, state: StepState) -> None:
        done = state is StepState.DONE
        self._marks[name].classes("start-number-done" if done else "", remove="" if done else "start-number-done")
        self._pills[name].clear()
        with self._pills[name]:
            pill(self._panel.t(f"start.state_{state.value}"), _TONES[state])

    async def _open(self, name: str) -> None:
        self._show_in_address(name)
        await self._redraw()

    def _show_in_address(self, name: str | None) -> None:
        self._url.clear()
        self._url.set(step=name)

    async def _redraw(self) -> None:
        try:
            await self.draw()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._panel.client.run_javascript(_SHOW_OPEN)

    async def _mark(self, name: str) -> None:
        progress = await self._guide.mark(name, StepState.DONE)
        if not self._root.is_deleted:
            self._draw_state(name, StepState.DONE)
            if name == self._opened:
                self._show_leave(name, StepState.DONE)
            self._show_progress(progress)

    async def _store(self, name: str, state: StepState) -> None:
        try:
            self._panel.require_change(AdminResource.USERS)
            progress = await self._guide.mark(name, state)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        following = START_STEPS[START_STEPS.index(name) + 1 :]
        after = next((each for each in following if progress.state(each) is StepState.OPEN), progress.next_step)
        self._show_in_address(after or "none")
        await self._redraw()

    async def _dismiss(self) -> None:
        try:
            self._panel.require_change(AdminResource.USERS)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        await self._guide.dismiss()
        ui.navigate.to("/")
