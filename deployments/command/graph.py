"""Reads and validates ``graph.yaml``. Serve ignores unknown keys; here they are errors."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from deployments import names
from deployments.arguments import BotsArgs, OfficeArgs, PhoneArgs, SecretaryArgs, Strict
from deployments.command.strict_yaml import DuplicateKey, read_yaml
from deployments.contracts.errors import InvalidRequest
from deployments.graph_validation import unknown_deployments_error, validate_arguments
from deployments.models.references import referenced_model_ids

BUILDER_ARGUMENTS: dict[str, type[Strict]] = {
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

    def model_ids(self) -> tuple[str, ...]:
        """Catalogue ids of the models that the graph refers to, each once."""
        return tuple(
            dict.fromkeys(i for application in self.applications for i in referenced_model_ids(application.args))
        )

    def unused_keys(self, host: str, port: int) -> tuple[str, ...]:
        """Keys with a value of their own that ``secretary up`` ignores when it listens on ``host`` and ``port``."""
        defaults, options = HttpOptions(), self.http_options
        ignored = {
            "proxy_location": self.proxy_location != "HeadOnly",
            "http_options.host": options.host not in (defaults.host, host),
            "http_options.port": options.port not in (defaults.port, port),
            "http_options.root_path": options.root_path != defaults.root_path,
            "logging_config": bool(self.logging_config),
        }
        ignored |= {
            f"{application.name}.runtime_env": bool(application.runtime_env) for application in self.applications
        }
        return tuple(key for key, differs in ignored.items() if differs)

    def arguments(self, application: ApplicationSpec) -> Strict:
        """The validated arguments of the builder of ``application``."""
        return BUILDER_ARGUMENTS[application.import_path].model_validate(application.args)

    def secretary_arguments(self) -> SecretaryArgs:
        """The arguments of the application with the engines. Raises InvalidRequest when the graph has none."""
        for application in self.applications:
            arguments = self.arguments(application)
            if isinstance(arguments, SecretaryArgs):
                return arguments
        raise InvalidRequest(f"the graph has no application {names.SECRETARY_APP!r}", param="applications")


def read_graph(path: Path) -> Graph:
    """The graph in ``path``. Raises InvalidRequest with the file, the key and what is allowed there."""
    try:
        graph = Graph.model_validate(read_yaml(path.read_text(encoding="utf-8")))
        for application in graph.applications:
            _check_application(application, graph, path)
        _check_deployment_names(graph, path)
    except (FileNotFoundError, IsADirectoryError):
        raise InvalidRequest(f"{path}: no such file; give one with --graph") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from None
    except DuplicateKey as error:
        raise InvalidRequest(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{path}: not YAML: {error}") from None
    except ValidationError as error:
        raise InvalidRequest(f"{path}: {format_validation_error(error)}") from None
    return graph


def format_validation_error(error: ValidationError) -> str:
    """The first five errors, each with its field."""
    return "; ".join(_describe(".".join(map(str, item["loc"])), item) for item in error.errors()[:5])


def _describe(field: str, error: ErrorDetails) -> str:
    """The error after its field. An error of a renamed key names the key itself."""
    if not field and error["type"] != "unknown_key":
        field = "file"
    return f"{field}: {error['msg']}" if field else error["msg"]


def _check_application(application: ApplicationSpec, graph: Graph, path: Path) -> None:
    if application.import_path not in BUILDER_ARGUMENTS:
        known = ", ".join(BUILDER_ARGUMENTS)
        raise InvalidRequest(f"{path}: {application.name}: unknown import_path; known: {known}")
    try:
        graph.arguments(application)
    except ValidationError as error:
        raise InvalidRequest(f"{path}: {application.name}.args.{format_validation_error(error)}") from None
    try:
        validate_arguments(graph.arguments(application))
    except InvalidRequest as error:
        raise InvalidRequest(f"{path}: {application.name}.args.{error.message}") from None


def _check_deployment_names(graph: Graph, path: Path) -> None:
    """The doors of other applications name chat and voice deployments of the application with the engines."""
    arguments = [(application.name, graph.arguments(application)) for application in graph.applications]
    secretary = next((args for _, args in arguments if isinstance(args, SecretaryArgs)), None)
    if secretary is None:
        return
    for name, args in arguments:
        error = unknown_deployments_error(args, secretary)
        if error:
            raise InvalidRequest(f"{path}: {name}.args.{error}")
