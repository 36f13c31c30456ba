"""The fields of a provider. Which of them matter depends on its kind."""

from collections.abc import Mapping

from nicegui import html, ui

from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec
from ui.components.page_parts import Tone, pill
from ui.components.secret_field import SecretField
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.llm.edit_conflict import Values
from ui.tabs.llm.sampling_fields import SamplingFields

_KEY_PAGES = {
    "gemini": "https://aistudio.google.com/apikey",
    "openai": "https://platform.openai.com/api-keys",
    "claude": "https://console.anthropic.com/settings/keys",
    "deepseek": "https://platform.deepseek.com/api_keys",
    "kimi": "https://platform.moonshot.ai/console/api-keys",
    "openrouter": "https://openrouter.ai/keys",
}
_NUMBERS = ("input_price", "output_price", "budget_per_day")


class ProviderFields:
    """Draws the fields in the current slot."""

    def __init__(self, panel: PanelContext, spec: ProviderSpec | None) -> None:
        self._panel = panel
        self._spec = spec
        t = panel.t
        kinds = {name: kind.title for name, kind in PROVIDER_KINDS.items()}
        self._kind = ui.select(kinds, value=spec.provider_type if spec else "gemini", label=t("provider.kind"))
        self._kind.props("outlined").on_value_change(self._adapt)
        self._fields: dict[str, TextInput] = {}
        self._text("name", t("provider.name"), t("provider.name_hint"))
        model = self._text("model_name", t("provider.model"), t("provider.model_hint"))
        self._suggestions = html.div().classes("llm-suggestions")
        self._model = model
        self._address = self._text("base_url", t("provider.address"))
        with html.div():
            self._key = SecretField(panel, t("provider.key"), spec.key_hint if spec else "")
            self._key_link = html.div().classes("llm-key-link")
        if spec is not None and spec.sealed_api_key:
            self._clear_key = ui.checkbox(t("common.secret_clear"))
        with ui.expansion(t("provider.more")).classes("llm-more"), html.div().classes("rows"):
            self._text("languages", t("provider.languages"), t("provider.languages_hint"))
            self._text("description", t("provider.description"))
            self._text("budget_per_day", t("provider.budget"), t("provider.budget_hint"))
            with html.div().classes("llm-pair"):
                self._text("input_price", t("provider.input_price"), t("provider.price_hint"))
                self._text("output_price", t("provider.output_price"))
            html.h3(t("llm.parameters")).classes("llm-subtitle")
            html.p(t("provider.parameters_hint")).classes("muted")
            self._sampling = SamplingFields(panel)
        self._enabled = ui.switch(t("provider.enabled"), value=True)
        self.labels: Mapping[str, str] = {
            "provider_type": t("provider.kind"),
            "name": t("provider.name"),
            "model_name": t("provider.model"),
            "base_url": t("provider.address"),
            "languages": t("provider.languages"),
            "description": t("provider.description"),
            "budget_per_day": t("provider.budget"),
            "input_price": t("provider.input_price"),
            "output_price": t("provider.output_price"),
            "enabled": t("provider.enabled"),
        }
        if spec is not None:
            self.write(self.values_of(spec))
        self._adapt()

    def read(self) -> Values:
        texts = {name: str(field.value or "").strip() for name, field in self._fields.items()}
        return {
            **texts,
            "provider_type": self._kind.value,
            "enabled": bool(self._enabled.value),
            "params": self._sampling.read(),
        }

    def write(self, values: Values) -> None:
        self._kind.value = values["provider_type"]
        for name, field in self._fields.items():
            field.value = values[name]
        self._enabled.value = bool(values["enabled"])
        params = values["params"]
        self._sampling.write(params if isinstance(params, Mapping) else {})

    def values_of(self, spec: ProviderSpec) -> Values:
        values: dict[str, object] = {
            name: "" if getattr(spec, name) in (None, 0) else f"{getattr(spec, name):g}" for name in _NUMBERS
        }
        texts = {name: getattr(spec, name) for name in ("name", "model_name", "base_url", "description")}
        return {
            **values,
            **texts,
            "provider_type": spec.provider_type,
            "languages": ", ".join(spec.languages),
            "enabled": spec.enabled,
            "params": spec.params.model_dump(exclude_none=True),
        }

    def changes(self) -> dict[str, object]:
        """The fields as a draft takes them. Numbers may have a decimal comma."""
        values = dict(self.read())
        for name in _NUMBERS:
            values[name] = str(values[name]).replace(",", ".") or None
        words = str(values["languages"]).replace(",", " ").split()
        values["languages"] = tuple(word.lower() for word in words)
        if self._key.entered:
            values["api_key"] = self._key.entered
        elif self._spec is not None and self._spec.sealed_api_key and self._clear_key.value:
            values["api_key"] = None
        return values

    def clear_errors(self) -> None:
        for field in self._fields.values():
            field.error = None

    def show_error(self, name: str, text: str) -> bool:
        """Whether there is such a field."""
        if name in self._fields:
            self._fields[name].error = text
        return name in self._fields

    def _text(self, name: str, label: str, hint: str = "") -> TextInput:
        field = TextInput(label).props("outlined dense").classes("dialog-field")
        if hint:
            field.props["hint"] = hint
        self._fields[name] = field
        return field

    def _adapt(self) -> None:
        """Shows what the chosen kind needs."""
        t, kind = self._panel.t, PROVIDER_KINDS[str(self._kind.value)]
        self._address.props["hint"] = (
            t("provider.address_needed") if kind.requires_base_url else t("provider.address_hint", url=kind.base_url)
        )
        self._suggestions.clear()
        with self._suggestions:
            for model in kind.models[:8]:
                button = ui.button(on_click=lambda name=model.name: self._model.set_value(name))
                button.props("flat dense no-caps").classes("chip llm-suggestion")
                with button:
                    html.span(model.name)
                    if model.free:
                        tone: Tone = "good"
                        pill(t("provider.free_model"), tone)
        self._key_link.clear()
        with self._key_link:
            page = _KEY_PAGES.get(str(self._kind.value))
            html.span(t("provider.key_needed") if kind.requires_key else t("provider.key_optional")).classes("muted")
            if page:
                link = html.a(t("provider.key_page"), href=page, target="_blank").classes("text-link")
                link.props("rel='noopener noreferrer'")
