"""Enters secrets into an office, also in calls that fail, and records everything that the office shows of them."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from deployments.administration.auth.token_service import TokenPair
from deployments.administration.bots.service import BotDraft
from deployments.administration.llm.providers import ProviderDraft
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.contracts.errors import SecretaryError
from deployments.shared_state.redis_state import RedisState
from storage.environment import Environment
from storage.secrets import Sealer
from tests.storage.known_secrets import SECRETS, VLESS_LINK


class SecretObservations:
    """Labelled contents in which no secret may appear: errors, listings and representations."""

    def __init__(self) -> None:
        self.contents: list[tuple[str, bytes]] = []

    def record(self, label: str, value: object) -> None:
        self.contents.append((label, repr(value).encode()))
        if isinstance(value, BaseModel):
            self.contents.append((f"{label} as JSON", value.model_dump_json().encode()))
        elif is_dataclass(value):
            for part in fields(value):
                self.record(f"{label}.{part.name}", getattr(value, part.name))
        elif isinstance(value, tuple | list):
            for item in value:
                self.record(label, item)

    def record_error(self, label: str, error: BaseException) -> None:
        """Records an error as it is logged, with its causes."""
        shown = logging.Formatter().formatException((type(error), error, error.__traceback__))
        self.contents.append((label, f"{shown}\n{error!r}".encode()))


async def enter_secrets(office: OfficeServices, observations: SecretObservations) -> dict[str, str]:
    """Enters every known secret, also in calls that fail. Returns all secrets, including generated ones."""
    old, new = SECRETS["admin password"], SECRETS["new admin password"]
    observations.record("account", await office.accounts.authenticate("admin", old, "192.0.2.1"))
    await office.accounts.change_password("admin", old, new)
    for name in ("admin", "nobody", SECRETS["refused password"]):  # people type passwords into the name field
        await _fail(observations, office.accounts.authenticate(name, SECRETS["refused password"], "192.0.2.1"))
    key, plain = await office.keys.create("for the shop", by="admin")
    observations.record("key", key)
    token = SecretStr(SECRETS["Telegram token of the panel"])
    draft = BotDraft(name="Shop", token=token)
    observations.record("draft of a bot", draft)
    observations.record("bot", await office.bots.create(draft, "admin"))
    await _fail(observations, office.bots.create(BotDraft(name="Other", token=token), "admin"))
    _validate_malformed_bot(observations, token.get_secret_value())
    _open_with_another_key(observations, office)
    await _add_provider(office, observations)
    return {**SECRETS, "API key that the office made": plain, **await _issue_tokens(office, observations, new)}


async def _add_provider(office: OfficeServices, observations: SecretObservations) -> None:
    given = {
        "name": "Cloud",
        "provider_type": "openai",
        "model_name": "large",
        "api_key": SECRETS["API key of a provider"],
        "vless_urls": (VLESS_LINK,),
    }
    draft = ProviderDraft.model_validate(given)
    observations.record("draft of a provider", draft)
    spec = await office.providers.create(draft, "admin")
    observations.record("provider", spec)
    observations.record("hosts of a provider", office.providers.proxy_hosts(spec))
    await _fail(observations, office.providers.create(draft, "admin"))
    for wrong in ({"vless_urls": (VLESS_LINK.replace("@", ""),)}, {"api_key": SECRETS["API key of a provider"] * 50}):
        with pytest.raises(ValidationError) as caught:
            ProviderDraft.model_validate({**given, **wrong})
        observations.record_error("validation", caught.value)
        await _fail(observations, office.providers.change(spec.id, wrong, "admin", spec.version))


async def _issue_tokens(office: OfficeServices, observations: SecretObservations, password: str) -> dict[str, str]:
    """One sign-in that is revoked because a refresh token is reused, and one that stays valid."""
    account = await office.accounts.authenticate("admin", password, "192.0.2.1")
    first = await office.tokens.issue(account, "192.0.2.1")
    second = await office.tokens.refresh(first.refresh_token, "192.0.2.1")
    await _fail(observations, office.tokens.refresh(first.refresh_token, "192.0.2.1"))
    await _fail(observations, office.tokens.refresh(second.refresh_token, "192.0.2.1"))
    with pytest.raises(SecretaryError) as caught:
        office.tokens.verify(second.access_token)
    observations.record_error("token of an ended sign-in", caught.value)
    third = await office.tokens.issue(account, "192.0.2.1")
    observations.record("identity", office.tokens.verify(third.access_token))
    observations.record("pair of tokens", repr(third))
    pairs = {"first": first, "second": second, "third": third}
    named = {f"{which} access token": pair.access_token for which, pair in pairs.items()}
    return named | {f"{which} refresh token": _secret_part(pair) for which, pair in pairs.items()}


def _secret_part(pair: TokenPair) -> str:
    """A refresh token without the id of its sign-in, which is not secret."""
    return pair.refresh_token.split(".", 1)[1]


async def connect_to_refusing_servers(observations: SecretObservations, databases: Iterable[str]) -> None:
    """Connects to databases, given by the part of their URL after the password, and to a Redis. All refuse."""
    password = quote(SECRETS["password of the database"], safe="")
    for rest in databases:
        environment = Environment(database_url=f"postgresql://secretary:{password}@{rest}")
        observations.record("environment of a server", repr(environment))
        await _fail(observations, open_office(environment, database_timeout_s=0))
    address = f"redis://:{SECRETS['password of Redis']}@127.0.0.1:1/0"
    observations.record("environment of Redis", repr(Environment(redis_url=address)))
    with pytest.raises(ValidationError) as caught:
        Environment(redis_url=address.replace("redis", "http"))
    observations.record_error("validation", caught.value)
    state = RedisState(address, probe_interval_s=0.01)
    await state.start()
    await state.get("phrase")
    await asyncio.sleep(0.05)  # several connection attempts
    observations.record("Redis", state)
    await state.stop()


async def _fail(observations: SecretObservations, call: object) -> None:
    with pytest.raises(SecretaryError) as caught:
        await call  # type: ignore[misc]
    observations.record_error("refusal", caught.value)


def _validate_malformed_bot(observations: SecretObservations, token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        BotDraft.model_validate({"name": "Shop", "token": f"{token} and more", "api_url": f"https://{token}@host"})
    observations.record_error("validation", caught.value)


def _open_with_another_key(observations: SecretObservations, office: OfficeServices) -> None:
    sealed = office.publisher.current.bots[0].sealed_token
    with pytest.raises(SecretaryError) as caught:
        Sealer(b"x" * 32).open(sealed)
    observations.record_error("seal", caught.value)
