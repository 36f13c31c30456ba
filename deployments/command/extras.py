"""``python -m deployments.command.extras``: prints the extras that the environment and the graph ask for and that are
not installed yet, separated by commas. ``make run`` installs them."""

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from deployments.arguments import SecretaryArgs
from deployments.command.graph import read_graph
from deployments.contracts.errors import SecretaryError
from deployments.engines.registry import BUILT_IN_ENGINES
from deployments.graph_validation import iter_engine_specs
from storage.environment import Environment

_POSTGRES = "postgresql"


def missing_extras(
    environment: Environment, arguments: SecretaryArgs, is_installed: Callable[[str], bool]
) -> tuple[str, ...]:
    """The names of extras, each once. ``is_installed`` says whether a package can be imported."""
    wanted = [*_storage_extras(environment), *_engine_extras(arguments)]
    return tuple(dict.fromkeys(extra for extra, package in wanted if not is_installed(package)))


def _storage_extras(environment: Environment) -> Iterator[tuple[str, str]]:
    if environment.database_url.startswith(_POSTGRES):
        yield "postgres", "asyncpg"
    if environment.redis_url:
        yield "redis", "redis"


def _engine_extras(arguments: SecretaryArgs) -> Iterator[tuple[str, str]]:
    for _, kind, spec in iter_engine_specs(arguments):
        registration = BUILT_IN_ENGINES[kind].get(spec.engine)
        if registration is not None and registration.extra:
            yield registration.extra, registration.package


def main() -> None:
    """Prints nothing for a graph or an environment with an error: ``secretary up`` reports that better."""
    try:
        arguments = read_graph(Path(sys.argv[1] if len(sys.argv) > 1 else "graph.yaml")).secretary_arguments()
        print(*missing_extras(Environment(), arguments, lambda package: find_spec(package) is not None), sep=",")
    except (SecretaryError, ValueError, OSError):
        return


if __name__ == "__main__":
    main()
