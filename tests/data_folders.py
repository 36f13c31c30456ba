"""Prepared data folders. One is created for each pair of credentials, the others are copies."""

import shutil
import tempfile
from pathlib import Path

from argon2 import PasswordHasher

from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import prepare_installation
from storage.environment import Environment

_templates = tempfile.TemporaryDirectory(prefix="data-folders-")
_prepared: dict[object, Path] = {}


def fast_passwords() -> PasswordHashing:
    """Argon2id with the lowest cost."""
    return PasswordHashing(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def prepare_data_folder(environment: Environment) -> None:
    """Fills the data folder like a first start. Does nothing for a database on a server."""
    if not environment.database_url.endswith(str(environment.database_path)):
        return
    password, key = environment.admin_password, environment.api_key
    given = password and password.get_secret_value(), key and key.get_secret_value()
    if given not in _prepared:
        folder = Path(_templates.name) / str(len(_prepared))
        first = Environment(data=folder, admin_password=password, api_key=key, _env_file=None)
        await prepare_installation(first, passwords=fast_passwords())
        _prepared[given] = folder
    shutil.copytree(_prepared[given], environment.data, dirs_exist_ok=True)
