"""Builds an engine from its kind, its registered name and its options. Engine modules are imported on first use.

``build_engine("speech", "piper", {"models": ["data/models/piper-en-us-joe-medium"]})`` corresponds to
``{engine: piper, options: {models: [...]}}`` in ``graph.yaml``. Other packages register engines in the entry-point
group ``ai_secretary.engines`` under the name ``<kind>.<engine>``. Built-in names take precedence. An engine class has
an attribute ``Options``, a subclass of EngineOptions, and a constructor that takes one instance of it.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import ClassVar, Literal, Protocol, cast, overload

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from deployments.contracts.commands import install_command
from deployments.contracts.engines import ChatEngine, Engine, Recognizer, SpeechEngine
from deployments.contracts.errors import EngineFailed, InvalidRequest, ModelMissing, NotFound
from deployments.engines.options import EngineOptions

EngineKind = Literal["chat", "speech", "recognition"]
ENGINE_KINDS: tuple[EngineKind, ...] = ("chat", "speech", "recognition")
ENTRY_POINT_GROUP = "ai_secretary.engines"


class EngineSpec(BaseModel):
    """An engine and its options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str = Field(description="Registered engine name, for example piper")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="Options of that engine")


class EngineClass(Protocol):
    """The class that a registration or an entry point refers to."""

    Options: ClassVar[type[EngineOptions]]

    def __call__(self, options: EngineOptions) -> Engine: ...


@dataclass(frozen=True, slots=True)
class EngineRegistration:
    """The path ``module:Class`` of an engine, and the package and the extra that it needs, if any."""

    path: str
    package: str = ""
    extra: str = ""


_CHAT, _SPEECH, _RECOGNITION = (
    "deployments.engines.chat",
    "deployments.engines.speech",
    "deployments.engines.recognition",
)

BUILT_IN_ENGINES: dict[EngineKind, dict[str, EngineRegistration]] = {
    "chat": {
        "echo": EngineRegistration(f"{_CHAT}.echo:EchoEngine"),
        "llama_cpp": EngineRegistration(f"{_CHAT}.llama_cpp:LlamaCppEngine", "xllamacpp", "llama-cpp"),
        "vllm": EngineRegistration(f"{_CHAT}.vllm_engine:VllmEngine", "vllm", "vllm"),
    },
    "speech": {
        "tone": EngineRegistration(f"{_SPEECH}.tone:ToneEngine"),
        "espeak": EngineRegistration(f"{_SPEECH}.espeak:EspeakEngine", "espeakng_loader", "espeak"),
        "piper": EngineRegistration(f"{_SPEECH}.piper:PiperEngine", "piper", "piper"),
        "xtts": EngineRegistration(f"{_SPEECH}.xtts:XttsEngine", "TTS", "xtts"),
        "openvoice": EngineRegistration(f"{_SPEECH}.openvoice:OpenVoiceEngine", "TTS", "openvoice"),
    },
    "recognition": {
        "transcript": EngineRegistration(f"{_RECOGNITION}.transcript:TranscriptRecognizer"),
        "faster_whisper": EngineRegistration(
            f"{_RECOGNITION}.faster_whisper:FasterWhisperRecognizer", "faster_whisper", "whisper"
        ),
        "vosk": EngineRegistration(f"{_RECOGNITION}.vosk:VoskRecognizer", "vosk", "vosk"),
    },
}


def engine_names(kind: EngineKind) -> tuple[str, ...]:
    """All engine names of ``kind``, built-in engines first."""
    return (
        *BUILT_IN_ENGINES[kind],
        *(name for name in sorted(_third_party_engines(kind)) if name not in BUILT_IN_ENGINES[kind]),
    )


@overload
def build_engine(kind: Literal["chat"], name: str, options: dict[str, JsonValue] | None = None) -> ChatEngine: ...
@overload
def build_engine(kind: Literal["speech"], name: str, options: dict[str, JsonValue] | None = None) -> SpeechEngine: ...
@overload
def build_engine(
    kind: Literal["recognition"], name: str, options: dict[str, JsonValue] | None = None
) -> Recognizer: ...
def build_engine(kind: EngineKind, name: str, options: dict[str, JsonValue] | None = None) -> Engine:
    """Returns a new engine that is not started.

    Raises NotFound for an unknown name, ModelMissing when its package is not installed, InvalidRequest for invalid
    options.
    """
    engine_class = find_engine_class(kind, name)
    return engine_class(_validate(f"{kind}.{name}", engine_class.Options, options or {}))


def find_engine_class(kind: EngineKind, name: str) -> EngineClass:
    """The class of an engine. Raises NotFound, ModelMissing, and EngineFailed when a third-party import fails."""
    if (built_in := BUILT_IN_ENGINES[kind].get(name)) is not None:
        return _load_class(name, built_in)
    if (entry := _third_party_engines(kind).get(name)) is not None:
        try:
            return cast(EngineClass, entry.load())
        except Exception as error:  # a third-party module may raise anything
            raise EngineFailed(f"engine {name} cannot be imported from {entry.value}: {error}") from error
    raise NotFound(f"unknown {kind} engine {name!r}; known: {', '.join(engine_names(kind))}", param="engine")


def check_engine_options(kind: EngineKind, spec: EngineSpec, *, third_party: bool = False) -> None:
    """Raises NotFound for an unknown engine, InvalidRequest for invalid options.

    Imports the module of a built-in engine, but not the library that the engine uses. Third-party modules are imported
    only if ``third_party`` is True; otherwise only their names are checked.
    """
    name = spec.engine
    if (built_in := BUILT_IN_ENGINES[kind].get(name)) is not None:
        engine_class = _import_class(built_in)
    elif name in _third_party_engines(kind) and not third_party:
        return
    else:
        engine_class = find_engine_class(kind, name)
    _validate(name, engine_class.Options, spec.options)


def _load_class(name: str, registration: EngineRegistration) -> EngineClass:
    if registration.package and find_spec(registration.package) is None:
        remedy = install_command(registration.extra)
        raise ModelMissing(f"engine {name} needs the package {registration.package}; run: {remedy}", remedy=remedy)
    return _import_class(registration)


def _import_class(registration: EngineRegistration) -> EngineClass:
    module, _, attribute = registration.path.partition(":")
    return cast(EngineClass, getattr(import_module(module), attribute))


def _validate(name: str, model: type[EngineOptions], options: dict[str, JsonValue]) -> EngineOptions:
    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(part) for part in ("options", *first["loc"]))
        known = ", ".join(sorted(model.model_fields))
        raise InvalidRequest(
            f"engine {name}: {location}: {first['msg']}; options are: {known}", param=location
        ) from error


@cache
def _third_party_engines(kind: EngineKind) -> dict[str, EntryPoint]:
    entries = entry_points(group=ENTRY_POINT_GROUP)
    return {entry.name.removeprefix(f"{kind}."): entry for entry in entries if entry.name.startswith(f"{kind}.")}
