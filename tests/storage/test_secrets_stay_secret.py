"""Secrets go in everywhere they can; then everything that the office wrote, lists or says is searched for them."""

import logging
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy import inspect, select

from deployments.administration.bots import BotDraft
from deployments.administration.office import Office, open_office
from deployments.administration.passwords import Passwords
from deployments.contracts.errors import SecretaryError
from deployments.logs import flush_log, open_log
from storage.environment import Environment
from storage.models import Base
from storage.secrets import Sealer
from tests.storage.secrets_entered import SECRETS, files_of, leaks

GENERATED = "API key that the office made"


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


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    given = {
        "SECRETARY_DATA": str(tmp_path / "data"),
        "SECRETARY_ADMIN_PASSWORD": SECRETS["admin password"],
        "SECRETARY_API_KEY": SECRETS["API key of the environment"],
        "SECRETARY_TELEGRAM_TOKEN": SECRETS["Telegram token of the environment"],
        "SECRETARY_SECRET_KEY": SECRETS["secret key"],
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Environment()


@pytest.fixture
def log_folder(tmp_path: Path) -> Iterator[Path]:
    """What we say from DEBUG on and every library from INFO on: a driver tells all parameters at DEBUG."""
    folder = tmp_path / "logs"
    open_log(folder, "office")
    handler = logging.getLogger("storage").handlers[-1]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours = [logging.getLogger(name) for name in ("deployments", "bots", "ui", "storage", "proxies")]
    for logger in ours:
        logger.setLevel(logging.DEBUG)
    yield folder
    root.setLevel(level)
    for logger in (root, *ours):
        logger.removeHandler(handler)
        logger.setLevel(level if logger is root else logging.INFO)
    handler.close()


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
    return {**SECRETS, GENERATED: plain}


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


async def _listings(office: Office, said: Said) -> None:
    said.hear("snapshot", office.publisher.current)
    said.hear("bots", await office.bots.list())
    said.hear("keys", await office.keys.list())
    async with office.database.unit_of_work() as work:
        said.hear("audit", await work.audit.newest(1_000))
        said.hear("user", await work.users.get("admin"))


async def _rows(office: Office, said: Said) -> None:
    """Every row of every table, as the program would show it."""
    async with office.database.unit_of_work() as work:
        for mapper in Base.registry.mappers:
            for row in await work.users._session.scalars(select(mapper.class_)):
                said.hear(f"row of {mapper.local_table}", row)
                columns = {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}
                said.hear(f"columns of {mapper.local_table}", columns)


@pytest.mark.parametrize("kept", ["as it is", "after closing"])
async def test_no_secret_is_written_listed_logged_or_shown(
    environment: Environment, tmp_path: Path, log_folder: Path, kept: str
) -> None:
    said = Said()
    said.hear("environment", environment)
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    office = await open_office(environment, passwords=cheap)
    try:
        secrets = await enter(office, said)
        await _listings(office, said)
        await _rows(office, said)
        if kept == "as it is":
            flush_log()
            files = list(files_of(tmp_path))
            assert any(name.endswith("-wal") for name, _ in files), "the log of the database is searched as well"
    finally:
        await office.close()
    flush_log()
    files = files if kept == "as it is" else list(files_of(tmp_path))
    assert any("/logs/office." in name and content for name, content in files)
    assert leaks([*files, *said.places], secrets) == []


@pytest.mark.parametrize("spelled", ["plain", "base64", "address"])
def test_a_leak_is_told_with_its_file_and_its_name(tmp_path: Path, spelled: str) -> None:
    import base64
    from urllib.parse import quote

    secret = SECRETS["Telegram token of the panel"]
    text = {"plain": secret, "base64": base64.b64encode(secret.encode()).decode(), "address": quote(secret, safe="")}
    (tmp_path / "some.log").write_text(f"GET /bot{text[spelled]}/getMe")
    assert leaks(files_of(tmp_path), SECRETS) == [f"{tmp_path / 'some.log'}: Telegram token of the panel"]
