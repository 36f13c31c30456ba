from pathlib import Path

import pytest
from pydantic import ValidationError

from storage.environment import Environment


@pytest.fixture(autouse=True)
def _empty_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_are_below_the_working_folder(tmp_path: Path) -> None:
    environment = Environment()
    assert environment.data == tmp_path / "data"
    assert environment.models_dir == tmp_path / "data" / "models"
    assert environment.database_url == f"sqlite+aiosqlite:///{tmp_path}/data/secretary.db"
    assert (environment.host, environment.port, environment.api_key) == ("127.0.0.1", 8002, None)
    assert environment.secret_key_path.parent == environment.storage_secret_path.parent == environment.data


def test_variables_override_the_env_file_unless_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SECRETARY_PORT=9000\nSECRETARY_HOST=0.0.0.0\nOTHER=1\n")
    monkeypatch.setenv("SECRETARY_PORT", "9001")
    monkeypatch.setenv("SECRETARY_API_KEY", "")
    environment = Environment()
    assert (environment.port, environment.host, environment.api_key) == (9001, "0.0.0.0", None)


def test_repr_and_errors_show_no_secrets() -> None:
    environment = Environment(
        admin_password="hunter2-a",
        api_key="hunter2-b",
        secret_key="hunter2-c",
        telegram_token="hunter2-d",
        database_url="postgresql+asyncpg://secretary:hunter2-e@db/secretary",
    )
    assert "hunter2" not in f"{environment!r} {environment!s}"
    with pytest.raises(ValidationError) as caught:
        Environment(port="hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p@db/office", "postgresql+asyncpg://u:p@db/office"),
        ("postgres://u:p%40@db:6432/office", "postgresql+asyncpg://u:p%40@db:6432/office"),
        ("postgresql+asyncpg://u@db/office", "postgresql+asyncpg://u@db/office"),
        ("postgresql://u@db/office?sslmode=require", "postgresql+asyncpg://u@db/office?ssl=require"),
        ("sqlite:///office.db", "sqlite+aiosqlite:///office.db"),
    ],
)
@pytest.mark.parametrize("variable", ["DATABASE_URL", "SECRETARY_DATABASE_URL"])
def test_database_url_gets_its_driver(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str, expected: str
) -> None:
    monkeypatch.setenv(variable, given)
    assert Environment().database_url == expected


def test_prefixed_database_url_has_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@common/office")
    monkeypatch.setenv("SECRETARY_DATABASE_URL", "postgresql://u@own/office")
    assert "own" in Environment().database_url


@pytest.mark.parametrize("given", ["mysql://root:hunter2@db/x", "hunter2", "postgresql+psycopg2://u:hunter2@db/x"])
def test_unsupported_database_url_is_refused_without_it(given: str) -> None:
    with pytest.raises(ValidationError, match="postgresql://") as caught:
        Environment(database_url=given)
    assert "hunter2" not in str(caught.value)


def test_trusted_proxies_are_parsed_as_networks() -> None:
    environment = Environment(trusted_proxies="127.0.0.1, 10.0.0.0/24,fd00::/64,")
    assert [str(network) for network in environment.trusted_networks] == ["127.0.0.1/32", "10.0.0.0/24", "fd00::/64"]
    assert Environment().trusted_networks == ()
    mapped = Environment(trusted_proxies="::ffff:10.0.0.5, ::ffff:10.1.0.0/112")
    assert [str(network) for network in mapped.trusted_networks] == ["10.0.0.5/32", "10.1.0.0/16"]


@pytest.mark.parametrize(
    "given", ["nginx", "*", "10.0.0.5/24", "10.0.0.1:80", "127.0.0.1 10.0.0.1", "0.0.0.0/0", "::/0", "::ffff:0:0/96"]
)
def test_invalid_trusted_proxies_are_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        Environment(trusted_proxies=given)


@pytest.mark.parametrize(
    ("given", "tls"),
    [
        ("", False),
        ("http://secretary.lan:8002", False),
        ("https://secretary.example/", True),
        ("HTTPS://[2001:db8::1]:8443", True),
    ],
)
def test_public_url_determines_tls(given: str, tls: bool) -> None:
    environment = Environment(public_url=given)
    assert environment.reached_by_tls is tls
    assert environment.public_url == given.rstrip("/")


@pytest.mark.parametrize(
    "given",
    [
        "secretary.example",
        "ftp://x",
        "https://",
        "https://x/admin",
        "https://u:p@x",
        "https://x:port",
        "https://x?a",
        "https://a b",
        "https://x\n",
    ],
)
def test_invalid_public_url_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        Environment(public_url=given)
