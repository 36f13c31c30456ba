"""``secretary backup``, ``restore`` and ``rotate-key``: what keeps an installation, and what keeps it secret.

Importing the database takes half a second: whoever needs it does so, and the other commands of the console do not.
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

out = Console()

FileArgument = Annotated[Path | None, typer.Argument(help="Default: secretary-<date>.tar.gz in this folder")]


def backup(
    file: FileArgument = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="Put the secret keys into it too")] = False,
) -> None:
    """Writes everything but models and logs into one file, also while the secretary runs."""
    from storage.backup import create_backup

    environment = Environment()
    target = file or Path(f"secretary-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz")
    models = installed_models(ModelStore(environment.models_dir))
    manifest = create_backup(_place(environment), target, models, with_keys=with_keys)
    out.print(f"{target}: {len(manifest.parts)} files, {sum(part.size for part in manifest.parts):,} bytes unpacked")
    if with_keys:
        out.print("ATTENTION: it holds the SECRET KEYS. Who has this file can read every stored token and key.")
        if environment.secret_key is not None:
            out.print("The key in SECRETARY_SECRET_KEY is not in it: keep that one yourself.")
    else:
        out.print("The secret keys are not in it: without them stored tokens and keys cannot be read (--with-keys).")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that secretary backup wrote")],
    force: Annotated[bool, typer.Option("--force", help="Put aside what is there now")] = False,
) -> None:
    """Puts a backup back. Nothing may run on this data folder."""
    from storage.restore import restore_backup as put_back

    restored = asyncio.run(put_back(file, _place(Environment()), force=force))
    out.print(f"Restored the backup of {restored.manifest.created_at:%Y-%m-%d %H:%M} UTC.")
    for aside in restored.aside:
        out.print(f"What was there before is in {aside}.")
    out.print("Every sign-in has ended. People, passwords and API keys are those of the backup:")
    out.print("a key that was revoked after the backup works again. Revoke it anew (DELETE /admin/keys/<id>).")
    if not restored.manifest.with_keys:
        out.print(
            "It holds no secret keys: stored tokens and keys open only beside the secret.key they were sealed with."
        )


def rotate_key() -> None:
    """Seals every stored token and key with a new secret key. Nothing may run on this data folder."""
    environment = Environment()
    if environment.secret_key is not None:
        raise InvalidRequest(
            "the secret key comes from SECRETARY_SECRET_KEY: write it into "
            f"{environment.secret_key_path} (mode 0600), remove the variable, and try again"
        )
    count = asyncio.run(_rotate(environment))
    out.print(f"{count} stored secrets are sealed with the new key in {environment.secret_key_path}.")
    out.print("Earlier backups still need the earlier key.")


async def _rotate(environment: Environment) -> int:
    from storage.database import Database
    from storage.key_rotation import rotate_secret_key

    database = Database(environment.database_url, ownership_timeout_s=1)
    await database.open()
    try:
        return await rotate_secret_key(database, environment.secret_key_path)
    finally:
        await database.close()


def _place(environment: Environment) -> "InstallationPaths":
    """Raises InvalidRequest for a database on a server, with the command that copies one."""
    from sqlalchemy.engine.url import URL, make_url

    from storage.backup_archive import RECORDINGS, InstallationPaths
    from storage.database import Database
    from storage.secrets import next_key_path

    path = Database(environment.database_url).path
    if path is None:
        url = make_url(environment.database_url)
        address = URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()
        raise InvalidRequest(
            "the database is on a server, which has its own means: "
            f"pg_dump --format=custom --file=secretary.dump {address} "
            f"and, to put it back, pg_restore --clean --if-exists --dbname={address} secretary.dump"
        )
    key = environment.secret_key_path
    return InstallationPaths(
        path, environment.data / RECORDINGS, (key, next_key_path(key), environment.storage_secret_path)
    )
