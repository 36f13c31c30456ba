"""The console script ``secretary``: up, down, status, check, models, backup, restore, rotate-key."""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console

from deployments.command import backup_commands as keeping
from deployments.command import model_commands as models
from deployments.command import pid_file as running
from deployments.command import process_control as processes
from deployments.command import settings_reference as reference
from deployments.command.graph import format_validation_error, read_graph
from deployments.command.ray_environment import haproxy_directory
from deployments.command.readiness import fetch_readiness
from deployments.contracts.errors import SecretaryError
from deployments.graph_validation import validate_arguments
from deployments.models.store import ModelStore
from storage.environment import Environment

_DOWN_PATIENCE_S = 60.0
_GRAPH = Path("graph.yaml")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An AI secretary on your own machine.",
)
app.add_typer(models.app, name="models", help="Weights: what is known, what is here, bring more.")
out = Console()

GraphOption = Annotated[Path, typer.Option("--graph", "-g", help="Which deployments exist")]


app.command()(keeping.backup)
app.command()(keeping.restore)
app.command("rotate-key")(keeping.rotate_key)
app.command("settings-reference")(reference.print_settings_reference)


@app.command()
def up(
    graph: GraphOption = _GRAPH,
    pull: Annotated[bool, typer.Option(help="Bring missing models first")] = True,
    fast: Annotated[bool, typer.Option(help="HAProxy and throughput mode; --no-fast is Serve's default mode")] = True,
) -> None:
    """Starts the secretary and stays in the foreground; Ctrl-C ends everything it started."""
    from deployments.command.up import ForegroundRun

    raise typer.Exit(ForegroundRun(Environment(), read_graph(graph), out, fast=fast).run(pull=pull))


@app.command()
def down() -> None:
    """Ends the secretary that runs on this data folder and everything it started."""
    run_dir = Environment().data / "run"
    note = running.read_pid_file(run_dir)
    if note is None:
        out.print("No secretary runs on this data folder.")
        return
    started = processes.find_processes(note.run_id)
    if note.verified:
        processes.terminate_process(note.pid, _DOWN_PATIENCE_S)
    killed = processes.terminate_processes(processes.find_processes(note.run_id), 5)
    shutil.rmtree(haproxy_directory(note.run_id), ignore_errors=True)
    running.remove_pid_file(run_dir)
    out.print(f"Ended ({len(started)} processes{f', {killed} killed' if killed else ''}).")


@app.command()
def status() -> None:
    """Says whether the secretary runs and whether it can answer."""
    environment = Environment()
    note = running.read_pid_file(environment.data / "run")
    if note is None or not note.alive:
        out.print("Not running. Start it: secretary up")
        raise typer.Exit(3)
    try:
        found = fetch_readiness(note.url, environment.api_key)
    except (httpx.HTTPError, ValueError) as error:
        out.print(f"Process {note.pid} runs, {note.url} does not answer: {type(error).__name__}")
        raise typer.Exit(1) from None
    lines = "\n".join(found.lines())
    out.print(f"Process {note.pid}, {note.url}: {lines}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(0 if found.ready else 1)


@app.command()
def check(graph: GraphOption = _GRAPH) -> None:
    """Checks settings, the graph, the models it needs and the database, without starting anything."""
    environment = Environment()
    read = read_graph(graph)
    validate_arguments(read.secretary_arguments(), third_party=True)
    out.print(f"graph    {graph}: {', '.join(a.name for a in read.applications)}")
    store = ModelStore(environment.models_dir)
    missing = [model for model in read.model_ids() if not store.is_installed(model)]
    for model in read.model_ids():
        out.print(f"model    {model}: {'missing; secretary models pull ' + model if model in missing else 'installed'}")
    note = running.read_pid_file(environment.data / "run")
    if note is None or not note.alive:
        out.print(f"storage  {environment.data}: {asyncio.run(_storage(environment))}")
    raise typer.Exit(1 if missing else 0)


async def _storage(environment: Environment) -> str:
    """What can be said of the database without making first credentials that nobody would see."""
    from storage.database import Database
    from storage.restore_journal import journal_path

    database = Database(environment.database_url)
    if database.path is not None and not database.path.exists() and not journal_path(database.path).exists():
        return "empty; secretary up makes it ready"
    await database.open()
    try:
        faults = await database.check_integrity()
    finally:
        await database.close()
    return "; ".join(faults) or "ready"


def main() -> None:
    """Runs the command; an error of ours is one line and exit status 1, never a traceback."""
    try:
        app()
    except SecretaryError as error:
        out.print(f"{error.code}: {error.message}", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except ValidationError as error:
        out.print(f"settings: {format_validation_error(error)}", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(1) from None
