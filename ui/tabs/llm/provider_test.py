"""Tries a provider: progress, what it answered and how fast, what it cost, and its list of models."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import attempt
from ui.components.progress_line import ProgressLine
from ui.context import PanelContext
from ui.formatting import format_duration, format_number

_ADVICE = {
    "provider_key_refused": "provider.advice_key",
    "provider_region_blocked": "provider.advice_region",
    "provider_model_not_found": "provider.advice_model",
    "provider_quota_used": "provider.advice_quota",
    "provider_rate_limited": "provider.advice_rate",
    "provider_reply_invalid": "provider.advice_address",
    "provider_address_refused": "provider.advice_outbound",
    "proxies_failed": "provider.advice_proxies",
    "upstream_unreachable": "provider.advice_unreachable",
    "engine_timeout": "provider.advice_slow",
}


class ProviderTestLine:
    """Hidden until ``run``. ``on_change`` is awaited when another model was chosen from the list, ``on_answered``
    after a test that was answered."""

    def __init__(
        self,
        panel: PanelContext,
        provider_id: str,
        on_change: Callable[[], Awaitable[None]],
        on_answered: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._panel = panel
        self._on_answered = on_answered
        self._provider_id = provider_id
        self._on_change = on_change
        self._test: asyncio.Task[ProviderTestResult] | None = None
        self._progress = ProgressLine(panel, self._cancel)
        self._result = html.div().classes("llm-test").props("aria-live=polite")

    async def run(self) -> None:
        """A second click while a test is running does nothing."""
        if self._test is not None:
            return
        self._result.clear()
        began = time.monotonic()
        panel = self._panel
        try:
            panel.require_change(AdminResource.PROVIDERS)
            spec = await panel.services.office.providers.get(self._provider_id)
            self._test = asyncio.ensure_future(_as_coroutine(panel.services.test_provider(spec)))
            while not self._test.done():
                seconds = int(time.monotonic() - began)
                self._progress.show(panel.t("provider.testing", seconds=seconds), None)
                await asyncio.wait((self._test,), timeout=0.5)
            result = self._test.result()
            self._show(result)
            if result.available and self._on_answered is not None:
                await self._on_answered()
        except SecretaryError as error:
            panel.toast_error(error)
        except asyncio.CancelledError:
            if self._test is None or not self._test.cancelled():
                raise
        finally:
            if self._test is not None:
                self._test.cancel()
            self._test = None
            self._progress.hide()

    def _cancel(self) -> None:
        if self._test is not None:
            self._test.cancel()

    def _show(self, result: ProviderTestResult) -> None:
        if self._result.is_deleted:
            return
        t = self._panel.t
        with self._result:
            kind = "good" if result.available else "bad"
            with html.div().classes(f"llm-verdict llm-verdict-{kind}").props(f"data-verdict={kind}"):
                ui.icon("check_circle" if result.available else "error_outline").props("aria-hidden=true")
                html.span(self._sentence(result))
            if result.test_response:
                html.p(f"«{result.test_response}»").classes("muted")
            if not result.available:
                advice = _ADVICE.get(result.code)
                html.p(result.message).classes("muted")
                if advice:
                    html.p(t(advice))
            if result.listed is False:
                html.p(t("provider.not_listed")).classes("llm-error")
            if result.models:
                self._draw_models(result.models)

    def _sentence(self, result: ProviderTestResult) -> str:
        t = self._panel.t
        if not result.available:
            return t("provider.test_failed")
        parts = [t("provider.test_good")]
        if result.first_token_ms is not None:
            parts.append(t("provider.first_word", time=format_duration(result.first_token_ms, t)))
        if result.total_ms is not None:
            parts.append(t("provider.whole_answer", time=format_duration(result.total_ms, t)))
        cost = t("provider.dollars", value=format_number(result.cost, 6, t)) if result.cost else t("provider.free")
        parts.append(t("provider.cost", cost=cost))
        return " · ".join(parts)

    def _draw_models(self, models: tuple[str, ...]) -> None:
        t = self._panel.t
        with html.div().classes("row-line"):
            choice = ui.select(list(models), label=t.count("provider.models", len(models)), with_input=True)
            choice.props("outlined dense").classes("llm-model-choice")

            async def use() -> None:
                if choice.value:
                    await self._use_model(str(choice.value))

            ui.button(t("provider.use_model"), on_click=use).props("outline no-caps")

    async def _use_model(self, model: str) -> None:
        async def change() -> None:
            username = self._panel.require_change(AdminResource.PROVIDERS)
            await self._panel.services.office.providers.change(self._provider_id, {"model_name": model}, username)

        await attempt(self._panel, change, self._panel.t("provider.model_chosen", model=model))
        await self._on_change()


async def _as_coroutine(result: Awaitable[ProviderTestResult]) -> ProviderTestResult:
    return await result
