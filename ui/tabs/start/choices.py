"""Parts of a step of which one is shown; which one is in the address."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from nicegui import html, ui

from ui.tabs.start.step import StepContext


@dataclass(frozen=True, slots=True)
class Choice:
    title: str
    icon: str
    draw: Callable[[StepContext], Awaitable[None]]


async def draw_choices(step: StepContext, name: str, label: str, choices: Mapping[str, Choice]) -> None:
    """``name`` is that of the value in the address; the first choice needs none."""
    chosen = step.url.get(name)
    chosen = chosen if chosen in choices else next(iter(choices))
    with ui.tabs() as tabs:
        for key, choice in choices.items():
            ui.tab(key, choice.title, choice.icon)
    tabs.value = chosen
    tabs.props("no-caps inline-label outside-arrows mobile-arrows align=left active-color=primary")
    tabs.classes("sub-tabs start-choices").props["aria-label"] = label
    content = html.div().classes("start-stack")

    async def show(key: str) -> None:
        content.clear()
        with content:
            await choices[key].draw(step)

    async def choose(key: str) -> None:
        step.url.set(**{name: key})
        await show(key)

    tabs.on_value_change(lambda event: choose(str(event.value)))
    await show(chosen)
