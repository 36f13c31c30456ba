"""The fields of the proxies of a bot, for administrators."""

from nicegui import html, ui
from nicegui.elements.mixins.validation_element import ValidationElement

from deployments.administration.proxies.links import check_text
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.proxies import ProxyPolicy
from ui.components.text_fields import TextArea
from ui.context import PanelContext

POLICY_TEXTS: dict[ProxyPolicy, str] = {
    "never_direct": "telegram.policy_never",
    "direct_allowed": "telegram.policy_direct",
}


class ProxyFields:
    """``hosts`` are the masked hosts of the stored links, which an empty field keeps."""

    def __init__(self, panel: PanelContext, hosts: tuple[str, ...] = (), policy: ProxyPolicy = "never_direct") -> None:
        self._panel = panel
        t = panel.t
        html.p(t("telegram.proxies_hint")).classes("muted")
        if hosts:
            html.p(t("telegram.proxies_stored", hosts=", ".join(hosts))).classes("telegram-stored")
        self.links = TextArea(t("telegram.proxies_links")).props("outlined autogrow rows=3 spellcheck=false")
        self.links.props["hint"] = t("telegram.proxies_links_keep" if hosts else "telegram.proxies_links_hint")
        self.remove = ui.checkbox(t("telegram.proxies_remove")).props("dense")
        self.remove.set_visibility(bool(hosts))
        self.policy = ui.radio({each: t(text) for each, text in POLICY_TEXTS.items()}, value=policy).props("dense")
        self.policy.props["aria-label"] = t("telegram.proxies_policy")

    def entered(self) -> str | tuple[()] | None:
        """The text with the links; () to remove those that are stored, None to keep them. Raises InvalidRequest after
        it has shown which line is wrong."""
        if self.remove.value:
            return ()
        text = str(self.links.value or "")
        if not text.strip():
            return None
        problem = self._problem(text)
        self._mark(problem)
        if problem:
            raise InvalidRequest(problem, param="vless_urls")
        return text

    def _problem(self, text: str) -> str:
        try:
            broken = [line for line in check_text(text) if not line.valid]
        except InvalidRequest as error:
            return error.message
        return self._panel.t("telegram.proxies_bad_line", line=broken[0].line, error=broken[0].error) if broken else ""

    def _mark(self, problem: str) -> None:
        field: ValidationElement[str | None] = self.links
        field.error = problem or None
