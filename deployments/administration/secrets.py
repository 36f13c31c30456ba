"""Where the key of this installation's secrets comes from."""

from storage.environment import Environment
from storage.secrets import Sealer


def sealer_for(environment: Environment) -> Sealer:
    """The sealer of the key in the environment, else of the key file, which is created when absent."""
    if environment.secret_key is not None:
        return Sealer(environment.secret_key.get_secret_value().encode())
    return Sealer.from_file(environment.secret_key_path)
