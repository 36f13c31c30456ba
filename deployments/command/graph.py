"""Reads ``graph.yaml`` strictly: Serve ignores unknown keys, we name them."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployments import names
from deployments.arguments import BotsArgs, OfficeArgs, PhoneArgs, SecretaryArgs, Strict
from deployments.contracts.errors import InvalidRequest
from deployments.engines.registry import Kind
from deployments.engines.registry import names as names_of
from deployments.models.references import referenced

_ARGUMENTS: dict[str, type[Strict]] = {
    "serve_app:build_secretary": SecretaryArgs,
    "serve_app:build_office": OfficeArgs,
    "serve_app:build_phone": PhoneArgs,
    "serve_app:build_bots": BotsArgs,
}


class HttpOptions(Strict):
    host: str = "127.0.0.1"
    port: int = Field(default=8002, ge=1, le=65_535)
    root_path: str = ""
    keep_alive_timeout_s: int = Field(default=90, ge=1)


class ApplicationSpec(Strict):
    """One Serve application; ``args`` are validated by the builder's own model."""

    name: str
    route_prefix: str | None
    import_path: str
    args: dict[str, Any] = Field(default_factory=dict)
    runtime_env: dict[str, Any] = Field(default_factory=dict)


class Graph(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    proxy_location: str = "HeadOnly"
    http_options: HttpOptions = HttpOptions()
    logging_config: dict[str, Any] = Field(default_factory=dict)
    applications: tuple[ApplicationSpec, ...] = Field(min_length=1)

    def models(self) -> tuple[str, ...]:
        """Catalogue ids of all weights that the graph refers to, each once."""
        return tuple(dict.fromkeys(i for application in self.applications for i in referenced(application.args)))

    def arguments(self, application: ApplicationSpec) -> Strict:
        """Typed arguments of an application's builder."""
        return _ARGUMENTS[application.import_path].model_validate(application.args)

    def secretary(self) -> SecretaryArgs:
        """Arguments of the application that holds the engines."""
        for application in self.applications:
            arguments = self.arguments(application)
            if isinstance(arguments, SecretaryArgs):
                return arguments
        raise InvalidRequest(f"the graph has no application {names.SECRETARY_APP!r}", param="applications")


def read_graph(path: Path) -> Graph:
    """The graph in ``path``. Raises InvalidRequest that names the file, the place and what is allowed there."""
    try:
        graph = Graph.model_validate(yaml.safe_load(path.read_text()))
        for application in graph.applications:
            _check(application, graph, path)
    except (FileNotFoundError, IsADirectoryError):
        raise InvalidRequest(f"{path}: no such file; give one with --graph") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{path}: not YAML: {error}") from None
    except ValidationError as error:
        raise InvalidRequest(f"{path}: {explained(error)}") from None
    return graph


def explained(error: ValidationError) -> str:
    """The first few faults, each with its place."""
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()[:5]]
    return "; ".join(faults)


def _check(application: ApplicationSpec, graph: Graph, path: Path) -> None:
    if application.import_path not in _ARGUMENTS:
        known = ", ".join(_ARGUMENTS)
        raise InvalidRequest(f"{path}: {application.name}: unknown import_path; known: {known}")
    try:
        graph.arguments(application)
    except ValidationError as error:
        raise InvalidRequest(f"{path}: {application.name}.args.{explained(error)}") from None
    fault = _fault(graph.arguments(application))
    if fault:
        raise InvalidRequest(f"{path}: {application.name}.args.{fault}")


def _fault(arguments: Strict) -> str:
    """What the shapes of the arguments cannot say."""
    if isinstance(arguments, OfficeArgs | BotsArgs) and arguments.replicas != 1:
        return "replicas: there is exactly one"
    if not isinstance(arguments, SecretaryArgs):
        return ""
    voices = [voice.name for voice in arguments.voices]
    if len(set(voices)) < len(voices):
        return f"voices: two deployments have one name: {', '.join(voices)}"
    named: list[tuple[Kind, str]] = [("speech", spec.engine) for voice in arguments.voices for spec in voice.engines]
    if arguments.chat:
        named.append(("chat", arguments.chat.engine))
    if arguments.recognition:
        named.append(("recognition", arguments.recognition.engine))
    unknown = [
        f"{kind} engine {name!r} is unknown; known: {', '.join(names_of(kind))}"
        for kind, name in named
        if name not in names_of(kind)
    ]
    return "; ".join(unknown)
