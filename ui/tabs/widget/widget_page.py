"""The page of one widget: its form, a live preview of it, and the lines for the website."""

import re
from typing import Any, Self

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.office.host_addresses import parse_host_name
from deployments.contracts.errors import NotFound, SecretaryError
from deployments.contracts.instances import WidgetSpec
from ui.components.answer_choices import AnswerChoices, answer_fields, read_answer_choices
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.field_set import FieldSet
from ui.components.page_parts import attempt, card, icon_button, read_only_note
from ui.components.spec_form import OpenedSpec, SpecForm
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext
from ui.contrast import READABLE, WHITE, contrast_ratio, darkened_until_readable
from ui.formatting import format_number
from ui.public_address import public_address
from ui.tabs.widget.preview import WidgetPreview
from ui.tabs.widget.snippet import draw_snippet

_COLOURS = ("#0b7a72", "#1d4ed8", "#6d28d9", "#be185d", "#b3261e", "#9a5b00", "#17784a", "#334155")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_TEXTS = ("name", "title", "greeting", "placeholder", "primary_color", "position", "language", "tunnel_url")
_ANSWERS = ("route", "persona_id", "voice_id", "tts_preset", "system_prompt")


class WidgetPage:
    def __init__(self, panel: PanelContext, spec: WidgetSpec, choices: AnswerChoices, address: str) -> None:
        self._panel = panel
        self._address = address
        administration = panel.services.office.widgets
        self._widget = OpenedSpec(panel, AdminResource.WIDGETS, administration, spec, self._changed)
        t = panel.t
        html.a(t("widget.all"), href=f"{panel.root_path}/widget").classes("text-link widget-back")
        with html.div().classes("page-head"):
            with html.h1():
                self._heading = ui.label(spec.name)
            if panel.can_change(AdminResource.WIDGETS):
                with html.div().classes("page-actions"):
                    icon_button("delete_outline", t("widget.delete"), self._delete).props("aria-haspopup=dialog")
        html.div(t("widget.not_served")).classes("notice").props("role=note")
        read_only_note(panel, AdminResource.WIDGETS)
        with html.div().classes("widget-columns"):
            form = html.div().classes("widget-form")
            with html.div().classes("widget-side"):
                with card(t("widget.preview")):
                    self._preview = WidgetPreview(panel)
                with card(t("widget.snippet")):
                    html.p(t("widget.snippet_hint")).classes("muted")
                    self._snippet = html.div()
        with form:
            self._fields = FieldSet(self._draw_fields(choices))
            for name in ("title", "greeting", "placeholder", "primary_color", "position"):
                self._fields[name].on_value_change(self._redraw)
            SpecForm(panel, self._widget, self._fields, _values, _changes, self._problem)
        self._redraw()
        self._draw_snippet()

    @classmethod
    async def open(cls, panel: PanelContext, widget_id: str) -> Self:
        """Raises NotFound."""
        panel.require_read(AdminResource.WIDGETS)
        spec = await panel.services.office.widgets.get(widget_id)
        return cls(panel, spec, await read_answer_choices(panel), await public_address(panel))

    async def refresh(self) -> None:
        """The form keeps what is typed; a change by somebody else is told when it is saved."""
        try:
            self._panel.require_read(AdminResource.WIDGETS)
            self._heading.text = (await self._panel.services.office.widgets.get(self._widget.spec.id)).name
        except NotFound:
            with self._panel.client:
                ui.navigate.to("/widget")
        except SecretaryError as error:
            self._panel.toast_error(error)

    async def _changed(self, spec: WidgetSpec) -> None:
        self._heading.text = spec.name
        self._draw_snippet()

    def _draw_fields(self, choices: AnswerChoices) -> dict[str, Any]:
        t, spec = self._panel.t, self._widget.spec
        with card(t("widget.look")), html.div().classes("widget-fields"):
            fields: dict[str, Any] = {
                "name": TextInput(t("widget.name")).props("outlined dense maxlength=100"),
                "enabled": ui.switch(t("widget.enabled")),
                "title": TextInput(t("widget.window_title")).props("outlined dense maxlength=100"),
                "greeting": TextArea(t("widget.greeting")).props("outlined autogrow maxlength=1000"),
                "placeholder": TextInput(t("widget.placeholder")).props("outlined dense maxlength=200"),
                "primary_color": self._draw_colours(),
                "position": ui.radio({"right": t("widget.right"), "left": t("widget.left")}).props("inline dense"),
            }
            fields["position"].props["aria-label"] = t("widget.position")
        with card(t("widget.where")), html.div().classes("widget-fields"):
            domains = ui.input_chips(t("widget.domains"), new_value_mode="add-unique", validation=self._domain_problem)
            domains.props("outlined stack-label").props["hint"] = t("widget.domains_hint")
            fields["allowed_domains"] = domains
            fields["tunnel_url"] = TextInput(t("widget.address")).props("outlined dense maxlength=500")
            fields["tunnel_url"].props["hint"] = t("widget.address_hint")
        with card(t("widget.who_answers")), html.div().classes("widget-fields"):
            fields["language"] = ui.select({"ru": "RU", "en": "EN"}, label=t("widget.language")).props("outlined dense")
            if spec.language not in ("ru", "en"):
                fields["language"].set_options(["ru", "en", spec.language])
            fields |= answer_fields(self._panel, choices, spec.route, spec.persona_id, spec.voice_id, spec.tts_preset)
            fields["system_prompt"] = TextArea(t("widget.prompt")).props("outlined autogrow maxlength=20000")
            fields["system_prompt"].props["hint"] = t("widget.prompt_hint")
        return fields

    def _draw_colours(self) -> ui.color_input:
        t = self._panel.t
        with html.div().classes("widget-colours").props("role=group") as group:
            for colour in _COLOURS:
                swatch = html.button(type="button").classes("widget-swatch").style(f"background: {colour}")
                swatch.props["aria-label"] = t("widget.colour_of", colour=colour)
                swatch.on("click", lambda colour=colour: self._fields["primary_color"].set_value(colour))
        group.props["aria-label"] = t("widget.colours")
        field = ui.color_input(t("widget.colour"), preview=True).props("outlined dense maxlength=7")
        field.button.props["aria-label"] = t("widget.pick_colour")
        self._contrast = html.div().classes("widget-contrast").props("role=status")
        return field

    def _redraw(self) -> None:
        values = self._fields.values()
        colour = str(values["primary_color"] or "")
        valid = _COLOUR.fullmatch(colour) is not None
        self._preview.show(values, colour.lower() if valid else self._widget.spec.primary_color)
        self._contrast.clear()
        if not valid:
            with self._contrast:
                html.span(self._panel.t("widget.bad_colour")).classes("widget-unreadable")
            return
        self._draw_contrast(colour.lower())

    def _draw_contrast(self, colour: str) -> None:
        t, ratio = self._panel.t, contrast_ratio(colour, WHITE)
        amount = format_number(int(ratio * 10) / 10, 1, t)  # 4.47 is not 4.5
        with self._contrast:
            if ratio >= READABLE:
                html.span(t("widget.readable", ratio=amount)).classes("muted")
            else:
                html.span(t("widget.unreadable", ratio=amount)).classes("widget-unreadable")
                better = darkened_until_readable(colour)
                darken = ui.button(t("widget.darken"), on_click=lambda: self._fields["primary_color"].set_value(better))
                darken.props("flat dense no-caps")

    def _domain_problem(self, domains: list[str] | None) -> str | None:
        for domain in domains or ():
            try:
                parse_host_name(domain)
            except ValueError:
                return self._panel.t("widget.bad_domain", domain=domain[:60])
        return None

    def _problem(self, name: str) -> str:
        texts = {"name": "widget.name_bad", "tunnel_url": "widget.bad_address", "allowed_domains": "widget.bad_domains"}
        return self._panel.t(texts.get(name, "common.bad_value"))

    def _draw_snippet(self) -> None:
        self._snippet.clear()
        with self._snippet:
            draw_snippet(self._panel, self._widget.spec, self._address)

    async def _delete(self) -> None:
        panel, t, spec = self._panel, self._panel.t, self._widget.spec
        title, text = t("widget.delete_title", name=spec.name), t("widget.delete_text")
        if not await ask_confirmation(panel.client, title, text, t("widget.delete"), t("common.cancel")):
            return

        async def delete() -> None:
            await panel.services.office.widgets.delete(spec.id, panel.require_change(AdminResource.WIDGETS))

        if await attempt(panel, delete, t("widget.deleted")):
            with panel.client:
                ui.navigate.to("/widget")


def _values(spec: WidgetSpec) -> dict[str, Any]:
    stored = {name: getattr(spec, name) for name in (*_TEXTS, *_ANSWERS, "enabled")}
    return stored | {"allowed_domains": list(spec.allowed_domains)}


def _changes(values: dict[str, Any]) -> dict[str, object]:
    texts: dict[str, object] = {name: str(values[name] or "").strip() for name in (*_TEXTS, *_ANSWERS)}
    return texts | {"enabled": bool(values["enabled"]), "allowed_domains": tuple(values["allowed_domains"] or ())}
