"""Data folders as the first start leaves them: one is really made, the others copied, since tables take their time."""

import shutil
import tempfile
from pathlib import Path

from argon2 import PasswordHasher

from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import prepare_installation
from storage.environment import Environment

_templates = tempfile.TemporaryDirectory(prefix="furnished-")
_made: dict[object, Path] = {}


def fast_passwords() -> PasswordHashing:
    """Real argon2id with as little work as it allows."""
    return PasswordHashing(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def prepare_data_folder(environment: Environment) -> None:
    """Fills the data folder of an environment that gives a first password and perhaps a key; leaves a database that is
    on a server to its office."""
    if not environment.database_url.endswith(str(environment.database_path)):
        return
    password, key = environment.admin_password, environment.api_key
    given = password and password.get_secret_value(), key and key.get_secret_value()
    if given not in _made:
        folder = Path(_templates.name) / str(len(_made))
        first = Environment(data=folder, admin_password=password, api_key=key, _env_file=None)
        await prepare_installation(first, passwords=fast_passwords())
        _made[given] = folder
    shutil.copytree(_made[given], environment.data, dirs_exist_ok=True)
