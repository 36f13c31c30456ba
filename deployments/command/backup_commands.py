"""``secretary backup``, ``restore`` and ``rotate-key``.

Importing the database takes half a second, so each function imports it itself.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from deployments.contracts.errors import InvalidRequest
from deployments.models.installed import installed_models
from deployments.models.store import ModelStore
from storage.environment import Environment

if TYPE_CHECKING:
    from storage.backup_archive import InstallationPaths

console = Console(emoji=False)

FileArgument = Annotated[Path | None, typer.Argument(help="Default: secretary-<date>.tar.gz in this folder")]


def backup(
    file: FileArgument = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="Include the secret keys")] = False,
) -> None:
    """Writes a backup of everything but models and logs; cloned voices are included. The secretary may run."""
    from storage.backup import create_backup

    environment = Environment()
    target = file or Path(f"secretary-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz")
    models = installed_models(ModelStore(environment.models_dir))
    manifest = create_backup(_installation_paths(environment), target, models, with_keys=with_keys)
    console.print(
        f"{target}: {len(manifest.parts)} files, {sum(part.size for part in manifest.parts):,} bytes unpacked"
    )
    if with_keys:
        console.print("WARNING: the backup contains the SECRET KEYS, which open every stored token and key.")
        if environment.secret_key is not None:
            console.print("The key in SECRETARY_SECRET_KEY is not included; keep it yourself.")
    else:
        console.print(
            "The secret keys are not included; stored tokens and keys cannot be read without them (--with-keys)."
        )


def restore(
    file: Annotated[Path, typer.Argument(help="A file written by secretary backup")],
    force: Annotated[bool, typer.Option("--force", help="Move the current data aside")] = False,
) -> None:
    """Restores a backup. The secretary must not run."""
    from storage.restore import restore_backup

    restored = asyncio.run(restore_backup(file, _installation_paths(Environment()), force=force))
    console.print(f"Restored the backup of {restored.manifest.created_at:%Y-%m-%d %H:%M} UTC.")
    for aside in restored.aside:
        console.print(f"The previous data is in {aside}.")
    console.print("All sign-ins have ended. Users, passwords and API keys are those of the backup:")
    console.print("a key that was revoked after the backup works again; revoke it again (DELETE /admin/keys/<id>).")
    if not restored.manifest.with_keys:
        console.print(
            "The backup has no secret keys: stored tokens and keys need the secret.key they were sealed with."
        )


def rotate_key() -> None:
    """Seals every stored token and key with a new secret key. The secretary must not run."""
    environment = Environment()
    if environment.secret_key is not None:
        raise InvalidRequest(
            "the secret key comes from SECRETARY_SECRET_KEY: write it into "
            f"{environment.secret_key_path} (mode 0600), remove the variable, and try again"
        )
    sealed_count = asyncio.run(_rotate(environment))
    console.print(f"{sealed_count} stored secrets are sealed with the new key in {environment.secret_key_path}.")
    console.print("Earlier backups still need the previous key.")


async def _rotate(environment: Environment) -> int:
    from storage.database import Database
    from storage.key_rotation import rotate_secret_key

    database = Database(environment.database_url, ownership_timeout_s=1)
    await database.open()
    try:
        return await rotate_secret_key(database, environment.secret_key_path)
    finally:
        await database.close()


def _installation_paths(environment: Environment) -> "InstallationPaths":
    """Raises InvalidRequest with the commands of PostgreSQL when the database is on a server."""
    from sqlalchemy.engine.url import URL, make_url

    from storage.backup_archive import RECORDINGS, VOICES, InstallationPaths
    from storage.database import Database
    from storage.secrets import next_key_path

    path = Database(environment.database_url).path
    if path is None:
        url = make_url(environment.database_url)
        address = URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()
        raise InvalidRequest(
            "the database is on a PostgreSQL server; use its own tools: "
            f"pg_dump --format=custom --file=secretary.dump {address} "
            f"and pg_restore --clean --if-exists --dbname={address} secretary.dump"
        )
    key = environment.secret_key_path
    return InstallationPaths(
        path,
        environment.data / RECORDINGS,
        environment.models_dir / VOICES,
        (key, next_key_path(key), environment.storage_secret_path),
    )
