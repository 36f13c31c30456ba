"""Enters every secret in every place that takes one, fails with it, and keeps what was said about it."""

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
    """Everything that somebody could come to see: errors, listings, representations."""

    def __init__(self) -> None:
        self.contents: list[tuple[str, bytes]] = []

    def record(self, place: str, value: object) -> None:
        self.contents.append((place, repr(value).encode()))
        if isinstance(value, BaseModel):
            self.contents.append((f"{place} as JSON", value.model_dump_json().encode()))
        elif is_dataclass(value):
            for part in fields(value):
                self.record(f"{place}.{part.name}", getattr(value, part.name))
        elif isinstance(value, tuple | list):
            for item in value:
                self.record(place, item)

    def record_error(self, place: str, error: BaseException) -> None:
        """An error as it would be logged, with everything it was raised from."""
        shown = logging.Formatter().formatException((type(error), error, error.__traceback__))
        self.contents.append((place, f"{shown}\n{error!r}".encode()))


async def enter_secrets(office: OfficeServices, observations: SecretObservations) -> dict[str, str]:
    """Enters every secret that people can enter, and fails with them; returns all of them, the generated ones too."""
    old, new = SECRETS["admin password"], SECRETS["new admin password"]
    observations.record("account", await office.accounts.authenticate("admin", old, "192.0.2.1"))
    await office.accounts.change_password("admin", old, new)
    for name in ("admin", "nobody", SECRETS["refused password"]):  # people type passwords into the field of the name
        await _fail(observations, office.accounts.authenticate(name, SECRETS["refused password"], "192.0.2.1"))
    key, plain = await office.keys.create("for the shop", by="admin")
    observations.record("key", key)
    token = SecretStr(SECRETS["Telegram token of the panel"])
    draft = BotDraft(name="Shop", token=token)
    observations.record("draft of a bot", draft)
    observations.record("bot", await office.bots.create(draft, "admin"))
    await _fail(observations, office.bots.create(BotDraft(name="Other", token=token), "admin"))
    _malformed_bot(observations, token.get_secret_value())
    _other_key_opens_nothing(observations, office)
    await _a_provider(office, observations)
    return {**SECRETS, "API key that the office made": plain, **await _tokens(office, observations, new)}


async def _a_provider(office: OfficeServices, said: SecretObservations) -> None:
    given = {
        "name": "Cloud",
        "provider_type": "openai",
        "model_name": "large",
        "api_key": SECRETS["API key of a provider"],
        "vless_urls": (VLESS_LINK,),
    }
    draft = ProviderDraft.model_validate(given)
    said.record("draft of a provider", draft)
    spec = await office.providers.create(draft, "admin")
    said.record("provider", spec)
    said.record("hosts of a provider", office.providers.proxy_hosts(spec))
    await _fail(said, office.providers.create(draft, "admin"))
    for wrong in ({"vless_urls": (VLESS_LINK.replace("@", ""),)}, {"api_key": SECRETS["API key of a provider"] * 50}):
        with pytest.raises(ValidationError) as caught:
            ProviderDraft.model_validate({**given, **wrong})
        said.record_error("validation", caught.value)
        await _fail(said, office.providers.change(spec.id, wrong, "admin", spec.version))


async def _tokens(office: OfficeServices, said: SecretObservations, password: str) -> dict[str, str]:
    """One sign-in that a second use of its refresh token has ended, and one that goes on."""
    account = await office.accounts.authenticate("admin", password, "192.0.2.1")
    first = await office.tokens.issue(account, "192.0.2.1")
    second = await office.tokens.refresh(first.refresh_token, "192.0.2.1")
    await _fail(said, office.tokens.refresh(first.refresh_token, "192.0.2.1"))
    await _fail(said, office.tokens.refresh(second.refresh_token, "192.0.2.1"))
    with pytest.raises(SecretaryError) as caught:
        office.tokens.verify(second.access_token)
    said.record_error("token of an ended sign-in", caught.value)
    third = await office.tokens.issue(account, "192.0.2.1")
    said.record("identity", office.tokens.verify(third.access_token))
    said.record("pair of tokens", repr(third))
    pairs = {"first": first, "second": second, "third": third}
    named = {f"{which} access token": pair.access_token for which, pair in pairs.items()}
    return named | {f"{which} refresh token": _secret_of(pair) for which, pair in pairs.items()}


def _secret_of(pair: TokenPair) -> str:
    """A refresh token without its sign-in, which is no secret."""
    return pair.refresh_token.split(".", 1)[1]


async def connect_to_refusing_servers(observations: SecretObservations, databases: Iterable[str]) -> None:
    """Meets databases, given by the part of their address behind the password, and a Redis: none lets us in."""
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
    await asyncio.sleep(0.2)
    observations.record("Redis", state)
    await state.stop()


async def _fail(said: SecretObservations, call: object) -> None:
    with pytest.raises(SecretaryError) as caught:
        await call  # type: ignore[misc]
    said.record_error("refusal", caught.value)


def _malformed_bot(said: SecretObservations, token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        BotDraft.model_validate({"name": "Shop", "token": f"{token} and more", "api_url": f"https://{token}@host"})
    said.record_error("validation", caught.value)


def _other_key_opens_nothing(said: SecretObservations, office: OfficeServices) -> None:
    sealed = office.publisher.current.bots[0].sealed_token
    with pytest.raises(SecretaryError) as caught:
        Sealer(b"x" * 32).open(sealed)
    said.record_error("seal", caught.value)
