"""The cloud engines of one process, which follow the snapshot: one per enabled provider, with open connections."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from deployments.cloud_connection import CheckedProviderConnection, ProviderAddress
from deployments.contracts.engines import ChatEngine
from deployments.contracts.errors import SecretaryError
from deployments.contracts.provider_errors import BudgetUsed
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.settings import LlmSettings, OutboundSettings
from deployments.contracts.snapshot import Snapshot
from deployments.engines.adapters import TimeoutChatEngine
from deployments.engines.cloud.engine import CloudChatEngine, CloudModel, TokenPrices
from deployments.engines.cloud.resuming import ResumingChatEngine
from deployments.outbound.network_backend import Resolver
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.response_body import OutboundLimits
from deployments.proxy_pool import ProxyPool
from deployments.proxy_pools import ProxyPools, find_core_on_path, stored_choice

log = logging.getLogger(__name__)

_KEEPALIVE_S = 120
_MAX_CONNECTIONS = 200
_MAX_REPLY_BYTES = 50_000_000
_MAX_RESUMPTIONS = 3
_CLOUD = "cloud:"


@dataclass(frozen=True, slots=True)
class Spending:
    """US dollars that were spent on a provider today, and the seconds until the day ends (UTC)."""

    cost: float
    day_ends_in_s: float


@dataclass(frozen=True, slots=True)
class _Running:
    """An engine with what it was built from."""

    spec: ProviderSpec
    timeouts: tuple[float, float]
    engine: CloudChatEngine
    bounded: ChatEngine


class CloudEngines:
    """``engines`` are the current ones by route. A changed provider gets a new engine; the old one is closed when its
    streams have ended. litellm is imported in the background as soon as a provider is enabled.

    ``open_secret`` decrypts a sealed key and sealed links. A provider with links is reached through ``proxies``.
    ``spent`` says what a route has cost today.
    """

    def __init__(
        self,
        open_secret: Callable[[str], str],
        spent: Callable[[str], Spending],
        resolver: Resolver | None = None,
        proxies: ProxyPools | None = None,
    ) -> None:
        self._open_secret = open_secret
        self._proxies = proxies or ProxyPools(find_core_on_path)
        self._resolver = resolver
        self._spent = spent
        self._settings = (LlmSettings(), OutboundSettings())
        self._policy = OutboundPolicy()
        self._running: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.engines: Mapping[str, ChatEngine] = {}

    def follow(self, snapshot: Snapshot) -> None:
        """Adopts the providers and the settings of ``snapshot``. Called on the event loop."""
        llm, outbound = snapshot.settings.llm, snapshot.settings.outbound
        if outbound != self._settings[1]:
            self._policy = OutboundPolicy.from_settings(outbound)
        self._settings = (llm, outbound)
        timeouts = (llm.connect_timeout_s, llm.total_timeout_s)
        before, now = self._running, dict[str, _Running]()
        for spec in snapshot.providers:
            if spec.enabled and spec.provider_type in PROVIDER_KINDS:
                known = before.get(spec.id)
                unchanged = known is not None and known.spec == spec and known.timeouts == timeouts
                now[spec.id] = known if known is not None and unchanged else self._start(spec, timeouts)
        self._running = now
        self.engines = {f"{_CLOUD}{name}": running.bounded for name, running in now.items()}
        for name, running in before.items():
            if now.get(name) is not running:
                self._spawn(running.engine.close_when_idle())

    def build(self, spec: ProviderSpec) -> CloudChatEngine:
        """A new engine for ``spec``, also for a disabled provider. The caller starts and closes it."""
        return self._build(spec, (self._settings[0].connect_timeout_s, self._settings[0].total_timeout_s))

    def estimate_cost(self, route: str, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars for tokens of a cloud route; 0 for other routes."""
        running = self._running.get(route.removeprefix(_CLOUD)) if route.startswith(_CLOUD) else None
        return running.engine.estimate_cost(prompt_tokens, completion_tokens) if running else 0.0

    async def close(self) -> None:
        running, self._running, self.engines = self._running, {}, {}
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in running.values():
            await each.engine.close()

    def _start(self, spec: ProviderSpec, timeouts: tuple[float, float]) -> _Running:
        engine = self._build(spec, timeouts)
        self._spawn(_warm_up(engine, spec.name))
        answering: ChatEngine = engine
        if spec.sealed_proxies:
            answering = ResumingChatEngine(engine, _MAX_RESUMPTIONS, engine.estimate_cost)
        return _Running(spec, timeouts, engine, TimeoutChatEngine(answering, self._event_timeouts))

    def _event_timeouts(self) -> tuple[float, float]:
        return self._settings[0].first_token_timeout_s, self._settings[0].idle_timeout_s

    def _build(self, spec: ProviderSpec, timeouts: tuple[float, float]) -> CloudChatEngine:
        kind, key = PROVIDER_KINDS[spec.provider_type], self._key(spec)
        connect_timeout_s, total_timeout_s = timeouts
        limits = OutboundLimits(
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=total_timeout_s,
            total_timeout_s=total_timeout_s,
            max_bytes=_MAX_REPLY_BYTES,
            keepalive_s=_KEEPALIVE_S,
            max_connections=_MAX_CONNECTIONS,
        )
        prices = None
        if spec.input_price is not None and spec.output_price is not None:
            prices = TokenPrices(spec.input_price, spec.output_price)
        model = CloudModel(
            id=spec.id,
            name=spec.name,
            kind=kind,
            model_name=spec.model_name,
            params=spec.params,
            prices=prices,
            languages=spec.languages,
            has_key=bool(key.get_secret_value()),
            admit=lambda: self._admit(spec),
        )
        address = ProviderAddress(spec.base_url, kind, key, spec.key_origin)
        pool = self._pool(spec)
        connection = CheckedProviderConnection(
            address, lambda: self._policy, limits, resolver=self._resolver, proxies=pool
        )
        return CloudChatEngine(model, connection)

    def _pool(self, spec: ProviderSpec) -> ProxyPool | None:
        """The proxies of ``spec``; None without links. Links that cannot be read give a pool without any, which refuses
        every request."""
        if not spec.sealed_proxies:
            return None
        choice = stored_choice(spec, self._open_secret)
        return self._proxies.acquire(f"{_CLOUD}{spec.id}", choice)

    def _admit(self, spec: ProviderSpec) -> None:
        spending = self._spent(f"{_CLOUD}{spec.id}")
        if spec.budget_per_day and spending.cost >= spec.budget_per_day:
            raise BudgetUsed(
                f"{spec.name} has used its budget of {spec.budget_per_day:g} US dollars per day (UTC, budget_per_day).",
                retry_after_s=spending.day_ends_in_s,
            )

    def _key(self, spec: ProviderSpec) -> SecretStr:
        try:
            return SecretStr(self._open_secret(spec.sealed_api_key) if spec.sealed_api_key else "")
        except SecretaryError as error:
            log.warning("the API key of provider %s cannot be opened: %s", spec.id, error.code)
            return SecretStr("")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _warm_up(engine: CloudChatEngine, name: str) -> None:
    try:
        await engine.warm_up()
    except SecretaryError as error:
        log.warning("the cloud provider %s cannot answer: %s %s", name, error.message, error.remedy)
