"""The console script ``secretary``: up, down, status, check, models, proxies, say, hear, backup, restore and
rotate-key."""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console

from deployments.command import (
    backup_commands,
    model_commands,
    proxy_commands,
    settings_reference,
    speech_commands,
)
from deployments.command.gpu_table import check_gpus, parse_cards, print_switched_models
from deployments.command.graph import format_validation_error, read_graph
from deployments.command.pid_file import read_pid_file, remove_pid_file
from deployments.command.process_control import find_processes, terminate_process, terminate_processes
from deployments.command.ray_environment import haproxy_directory
from deployments.command.readiness import fetch_readiness
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import SecretaryError
from deployments.graph_validation import validate_arguments
from deployments.models.store import ModelStore
from deployments.switched_models import with_switched_models
from storage.environment import Environment

_STOP_TIMEOUT_S = 60.0
_GRAPH = Path("graph.yaml")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An AI secretary on your own machine.",
)
app.add_typer(model_commands.app, name="models", help="List and download models.")
app.add_typer(proxy_commands.app, name="proxies", help="Proxies of cloud providers and bots.")
console = Console(emoji=False)

GraphOption = Annotated[Path, typer.Option("--graph", "-g", help="The Serve configuration")]


app.command()(speech_commands.say)
app.command()(speech_commands.hear)
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)
app.command("rotate-key")(backup_commands.rotate_key)
app.command("settings-reference")(settings_reference.print_settings_reference)


@app.command()
def up(
    graph: GraphOption = _GRAPH,
    pull: Annotated[bool, typer.Option(help="Download missing models first")] = True,
    fast: Annotated[bool, typer.Option(help="HAProxy and throughput mode; --no-fast is Serve's default mode")] = True,
) -> None:
    """Starts the secretary in the foreground. Ctrl-C stops all its processes."""
    from deployments.command.up import ForegroundRun

    raise typer.Exit(ForegroundRun(Environment(), read_graph(graph), console, fast=fast).run(pull=pull))


@app.command()
def down() -> None:
    """Stops the secretary of this data folder and all its processes."""
    run_dir = Environment().data / "run"
    pid_file = read_pid_file(run_dir)
    if pid_file is None:
        console.print("No secretary runs on this data folder.")
        return
    started = find_processes(pid_file.run_id)
    if pid_file.verified:
        terminate_process(pid_file.pid, _STOP_TIMEOUT_S)
    killed = terminate_processes(find_processes(pid_file.run_id), 5)
    shutil.rmtree(haproxy_directory(pid_file.run_id), ignore_errors=True)
    remove_pid_file(run_dir)
    console.print(f"Ended ({len(started)} processes{f', {killed} killed' if killed else ''}).")


@app.command()
def status() -> None:
    """Shows whether the secretary runs and is ready."""
    environment = Environment()
    pid_file = read_pid_file(environment.data / "run")
    if pid_file is None or not pid_file.alive:
        console.print(f"Not running. Start it: {secretary_command('up')}")
        raise typer.Exit(3)
    try:
        found = fetch_readiness(pid_file.url, environment.api_key)
    except (httpx.HTTPError, ValueError) as error:
        console.print(f"Process {pid_file.pid} runs, {pid_file.url} does not answer: {type(error).__name__}")
        raise typer.Exit(1) from None
    lines = "\n".join(found.lines())
    console.print(f"Process {pid_file.pid}, {pid_file.url}: {lines}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(0 if found.ready else 1)


@app.command()
def check(
    graph: GraphOption = _GRAPH,
    card: Annotated[
        list[str] | None,
        typer.Option(help="An empty card of this size, such as 12GB, instead of those of this machine. Repeatable"),
    ] = None,
) -> None:
    """Checks settings, the graph, its models, GPU memory and the database without starting anything.

    With --card, models that are not downloaded yet are no error: the machine with the card is another one.
    """
    environment = Environment()
    config = read_graph(graph)
    validate_arguments(config.secretary_arguments(), third_party=True)
    console.print(f"graph    {graph}: {', '.join(a.name for a in config.applications)}")
    store = ModelStore(environment.models_dir)
    missing = [model for model in config.model_ids() if not store.is_installed(model)]
    for model in config.model_ids():
        state = f"missing; {secretary_command(f'models pull {model}')}" if model in missing else "installed"
        console.print(f"model    {model}: {state}")
    run_dir = environment.data / "run"
    arguments, switched = with_switched_models(config.secretary_arguments(), run_dir, store)
    print_switched_models(switched, console)
    pid_file = read_pid_file(run_dir)
    running = pid_file is not None and pid_file.alive
    cards = parse_cards(card) if card else None
    fits = check_gpus(arguments, store, console, cards, running=running)
    if not running:
        console.print(f"storage  {environment.data}: {asyncio.run(_database_state(environment))}")
    raise typer.Exit(0 if fits and (card or not missing) else 1)


async def _database_state(environment: Environment) -> str:
    """The state of the database; does not create it, because the first credentials would go unseen."""
    from storage.database import Database
    from storage.restore_journal import journal_path

    database = Database(environment.database_url)
    if database.path is not None and not database.path.exists() and not journal_path(database.path).exists():
        return f"empty; {secretary_command('up')} creates it"
    await database.open()
    try:
        errors = await database.check_integrity()
    finally:
        await database.close()
    return "; ".join(errors) or "ready"


def main() -> None:
    """Runs a command. A SecretaryError becomes one line and exit status 1, without a traceback."""
    try:
        app()
    except SecretaryError as error:
        console.print(f"{error.code}: {error.message}", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except ValidationError as error:
        console.print(f"settings: {format_validation_error(error)}", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(1) from None
