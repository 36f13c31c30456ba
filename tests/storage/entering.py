"""Enters every secret in every place that takes one, fails with it, and keeps what was said about it."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from deployments.administration.bots import BotDraft
from deployments.administration.office import Office, open_office
from deployments.administration.providers import ProviderDraft
from deployments.administration.tokens import TokenPair
from deployments.contracts.errors import SecretaryError
from deployments.shared_state.redis import RedisState
from storage.environment import Environment
from storage.secrets import Sealer
from tests.storage.secrets_entered import SECRETS, VLESS_LINK


class Said:
    """Everything that somebody could come to see: errors, listings, representations."""

    def __init__(self) -> None:
        self.places: list[tuple[str, bytes]] = []

    def hear(self, place: str, thing: object) -> None:
        self.places.append((place, repr(thing).encode()))
        if isinstance(thing, BaseModel):
            self.places.append((f"{place} as JSON", thing.model_dump_json().encode()))
        elif is_dataclass(thing):
            for part in fields(thing):
                self.hear(f"{place}.{part.name}", getattr(thing, part.name))
        elif isinstance(thing, tuple | list):
            for item in thing:
                self.hear(place, item)

    def error(self, place: str, error: BaseException) -> None:
        """An error as it would be logged, with everything it was raised from."""
        shown = logging.Formatter().formatException((type(error), error, error.__traceback__))
        self.places.append((place, f"{shown}\n{error!r}".encode()))


async def enter(office: Office, said: Said) -> dict[str, str]:
    """Enters every secret that people can enter, and fails with them; returns all of them, the generated ones too."""
    old, new = SECRETS["admin password"], SECRETS["new admin password"]
    said.hear("account", await office.accounts.authenticate("admin", old, "192.0.2.1"))
    await office.accounts.change_password("admin", old, new)
    for name in ("admin", "nobody", SECRETS["refused password"]):  # people type passwords into the field of the name
        await _fail(said, office.accounts.authenticate(name, SECRETS["refused password"], "192.0.2.1"))
    key, plain = await office.keys.create("for the shop", by="admin")
    said.hear("key", key)
    token = SecretStr(SECRETS["Telegram token of the panel"])
    draft = BotDraft(name="Shop", token=token)
    said.hear("draft of a bot", draft)
    said.hear("bot", await office.bots.create(draft, "admin"))
    await _fail(said, office.bots.create(BotDraft(name="Other", token=token), "admin"))
    _malformed_bot(said, token.get_secret_value())
    _other_key_opens_nothing(said, office)
    await _a_provider(office, said)
    return {**SECRETS, "API key that the office made": plain, **await _tokens(office, said, new)}


async def _a_provider(office: Office, said: Said) -> None:
    given = {
        "name": "Cloud",
        "provider_type": "openai",
        "model_name": "large",
        "api_key": SECRETS["API key of a provider"],
        "vless_urls": (VLESS_LINK,),
    }
    draft = ProviderDraft.model_validate(given)
    said.hear("draft of a provider", draft)
    spec = await office.providers.create(draft, "admin")
    said.hear("provider", spec)
    said.hear("hosts of a provider", office.providers.proxy_hosts(spec))
    await _fail(said, office.providers.create(draft, "admin"))
    for wrong in ({"vless_urls": (VLESS_LINK.replace("@", ""),)}, {"api_key": SECRETS["API key of a provider"] * 50}):
        with pytest.raises(ValidationError) as caught:
            ProviderDraft.model_validate({**given, **wrong})
        said.error("validation", caught.value)
        await _fail(said, office.providers.change(spec.id, wrong, spec.version, "admin"))


async def _tokens(office: Office, said: Said, password: str) -> dict[str, str]:
    """One sign-in that a second use of its refresh token has ended, and one that goes on."""
    account = await office.accounts.authenticate("admin", password, "192.0.2.1")
    first = await office.tokens.issue(account, "192.0.2.1")
    second = await office.tokens.refresh(first.refresh_token, "192.0.2.1")
    await _fail(said, office.tokens.refresh(first.refresh_token, "192.0.2.1"))
    await _fail(said, office.tokens.refresh(second.refresh_token, "192.0.2.1"))
    with pytest.raises(SecretaryError) as caught:
        office.tokens.verify(second.access_token)
    said.error("token of an ended sign-in", caught.value)
    third = await office.tokens.issue(account, "192.0.2.1")
    said.hear("identity", office.tokens.verify(third.access_token))
    said.hear("pair of tokens", repr(third))
    pairs = {"first": first, "second": second, "third": third}
    named = {f"{which} access token": pair.access_token for which, pair in pairs.items()}
    return named | {f"{which} refresh token": _secret_of(pair) for which, pair in pairs.items()}


def _secret_of(pair: TokenPair) -> str:
    """A refresh token without its sign-in, which is no secret."""
    return pair.refresh_token.split(".", 1)[1]


async def servers_that_refuse(said: Said, databases: Iterable[str]) -> None:
    """Meets databases, given by the part of their address behind the password, and a Redis: none lets us in."""
    password = quote(SECRETS["password of the database"], safe="")
    for rest in databases:
        environment = Environment(database_url=f"postgresql://secretary:{password}@{rest}")
        said.hear("environment of a server", repr(environment))
        await _fail(said, open_office(environment, patience_s=0))
    address = f"redis://:{SECRETS['password of Redis']}@127.0.0.1:1/0"
    said.hear("environment of Redis", repr(Environment(redis_url=address)))
    with pytest.raises(ValidationError) as caught:
        Environment(redis_url=address.replace("redis", "http"))
    said.error("validation", caught.value)
    state = RedisState(address, retry_s=0.01)
    await state.start()
    await asyncio.sleep(0.2)
    said.hear("Redis", state)
    await state.stop()


async def _fail(said: Said, call: object) -> None:
    with pytest.raises(SecretaryError) as caught:
        await call  # type: ignore[misc]
    said.error("refusal", caught.value)


def _malformed_bot(said: Said, token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        BotDraft.model_validate({"name": "Shop", "token": f"{token} and more", "api_url": f"https://{token}@host"})
    said.error("validation", caught.value)


def _other_key_opens_nothing(said: Said, office: Office) -> None:
    sealed = office.publisher.current.bots[0].sealed_token
    with pytest.raises(SecretaryError) as caught:
        Sealer(b"x" * 32).open(sealed)
    said.error("seal", caught.value)
