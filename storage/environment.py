"""The settings of the process: secrets, paths and ports, from environment variables and ``.env``."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.contracts.inbound import parse_origins, parse_public_url, parse_trusted_proxies
from deployments.contracts.outbound import Network, parse_allowed_hosts


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _model_hosts(text: str) -> str:
    parse_allowed_hosts(text)
    return text


def _proxy_networks(text: str) -> str:
    parse_trusted_proxies(text)
    return text


def _page_origins(text: str) -> str:
    parse_origins(text)
    return text


def _base_url(text: str) -> str:
    return parse_public_url(text) if text else text


EVERYONE = "everyone"

AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


def _telegram_users(text: str) -> str:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    if ids != [EVERYONE] and not all(part.isascii() and part.isdigit() for part in ids):
        raise ValueError(f"is {EVERYONE}, or Telegram ids (numbers) separated by commas")
    return ",".join(ids)


class Environment(BaseSettings):
    """Variables ``SECRETARY_*``, read once at start. An empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix="SECRETARY_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        validate_by_name=True,
        hide_input_in_errors=True,
    )

    data: AbsolutePath = Field(default=Path("data"), description="Folder of the database, keys and models")
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8002, ge=1, le=65_535, description="Port to listen on")
    trusted_proxies: Annotated[str, AfterValidator(_proxy_networks)] = Field(
        default="",
        description="Addresses and networks of reverse proxies, separated by commas: 127.0.0.1, 10.0.0.0/24. The "
        "client address is the last one in X-Forwarded-For that is not among them",
    )
    connections_per_address: int = Field(
        default=1024,
        ge=0,
        le=1_000_000,
        description="Concurrent connections of one address (/64 in IPv6); a network (/24) has twice as many. Does not "
        "apply to this machine and trusted_proxies; 0: unlimited",
    )
    public_url: Annotated[str, AfterValidator(_base_url)] = Field(
        default="",
        description="Public address, such as https://secretary.example. With https the panel's cookie is Secure and "
        "responses carry HSTS",
    )
    cors_origins: Annotated[str, AfterValidator(_page_origins)] = Field(
        default="",
        description="Origins of browser pages that may call /v1, separated by commas: https://app.example, "
        "http://localhost:3000; default: none",
    )
    models: AbsolutePath | None = Field(default=None, description="Folder of model weights, default <data>/models")
    model_hosts: Annotated[str, AfterValidator(_model_hosts)] = Field(
        default="",
        description="Your mirrors that models may be downloaded from, separated by commas: mirror.lan:8080, "
        "10.0.0.0/24. The server in HF_ENDPOINT is always allowed",
    )
    xray: AbsolutePath | None = Field(
        default=None, description="The program xray or v2ray for VLESS links; default: in ./bin, <data>/bin or PATH"
    )
    admin_password: SecretStr | None = Field(default=None, description="Password of the user admin")
    api_key: SecretStr | None = Field(
        default=None, description="An API key with every scope but voices, stored at start. A revoked key stays revoked"
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Encrypts stored secrets, 32 characters or more; default: a file in <data>"
    )
    jwt_secret: SecretStr | None = Field(
        default=None, description="Signs access tokens, 32 bytes or more; default: a file in <data>"
    )
    access_token_minutes: int = Field(default=15, ge=1, le=60, description="Lifetime of an access token")
    refresh_token_days: int = Field(default=14, ge=1, le=90, description="Lifetime of a sign-in")
    telegram_token: SecretStr | None = Field(default=None, description="Token of a first Telegram bot")
    telegram_users: Annotated[str, AfterValidator(_telegram_users)] = Field(
        default="",
        description="Telegram ids that may use that bot, separated by commas, or everyone; default: nobody. The bot "
        "tells people their id",
    )
    telegram_api_url: str = Field(
        default="https://api.telegram.org",
        description="Telegram Bot API server of that bot. Your own server is added to outbound.allowed_hosts",
    )
    database_url: str = Field(
        default="",
        repr=False,
        validation_alias=AliasChoices("SECRETARY_DATABASE_URL", "DATABASE_URL"),
        description="postgresql://user:password@host/name, also as DATABASE_URL; default: SQLite in <data>",
    )

    redis_url: str = Field(
        default="",
        repr=False,
        pattern=r"^((redis|rediss|unix)://.*)?$",
        validation_alias=AliasChoices("SECRETARY_REDIS_URL", "REDIS_URL"),
        description="redis://host:port/0, also as REDIS_URL. Doors share rate limits and cached phrases; default: none",
    )

    @model_validator(mode="after")
    def _fill_database_url(self) -> Self:
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite+aiosqlite:///{self.database_path}")
        else:
            from storage.database_url import normalize_database_url  # engines do not import SQLAlchemy

            object.__setattr__(self, "database_url", normalize_database_url(self.database_url))
        return self

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Networks whose X-Forwarded-For header is trusted."""
        return parse_trusted_proxies(self.trusted_proxies)

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Origins of browser pages that may call the API."""
        return parse_origins(self.cors_origins)

    @property
    def reached_by_tls(self) -> bool:
        """Whether the public address uses TLS."""
        return self.public_url.lower().startswith("https:")

    @property
    def models_dir(self) -> Path:
        """Folder of model weights."""
        return self.models or self.data / "models"

    @property
    def ready_answers_dir(self) -> Path:
        """Folder of phrases that are spoken before they are asked for."""
        return self.data / "ready-answers"

    @property
    def database_path(self) -> Path:
        """The SQLite file of the default database."""
        return self.data / "secretary.db"

    @property
    def secret_key_path(self) -> Path:
        """File of the encryption key when ``secret_key`` is not set."""
        return self.data / "secret.key"

    @property
    def jwt_secret_path(self) -> Path:
        """File of the signing secret when ``jwt_secret`` is not set."""
        return self.data / "jwt.secret"

    @property
    def storage_secret_path(self) -> Path:
        """File of the secret that signs the panel's browser cookies."""
        return self.data / "storage.secret"
