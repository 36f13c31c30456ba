"""Engine name -> engine, per kind, imported only when asked for.

``create("speech", "piper", {"models": ["data/models/piper-en-us-joe-medium"]})`` is what ``graph.yaml`` says as
``{engine: piper, options: {models: [...]}}``. Third parties add engines through the entry-point group
``ai_secretary.engines`` with entries named ``<kind>.<engine>``; a built-in engine cannot be replaced that way.
An engine is a class with ``Options`` (a subclass of EngineOptions) whose constructor takes one such object.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import ClassVar, Literal, Protocol, cast, overload

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from deployments.contracts.engines import ChatEngine, Engine, Recognizer, SpeechEngine
from deployments.contracts.errors import EngineFailed, InvalidRequest, ModelMissing, NotFound
from deployments.engines.options import EngineOptions

EngineKind = Literal["chat", "speech", "recognition"]
ENGINE_KINDS: tuple[EngineKind, ...] = ("chat", "speech", "recognition")
ENTRY_POINT_GROUP = "ai_secretary.engines"


class EngineSpec(BaseModel):
    """An engine as graph.yaml names it; ``options`` are validated by the engine's own model in ``create``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str = Field(description="Registered engine name, for example piper")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="Options of that engine")


class EngineClass(Protocol):
    """What a registered path or entry point must lead to."""

    Options: ClassVar[type[EngineOptions]]

    def __call__(self, options: EngineOptions) -> Engine: ...


@dataclass(frozen=True, slots=True)
class EngineRegistration:
    """Where an engine lives (``module:Class``) and which optional package and extra it needs, if any."""

    path: str
    package: str = ""
    extra: str = ""


_CHAT, _SPEECH, _EAR = "deployments.engines.chat", "deployments.engines.speech", "deployments.engines.recognition"

BUILT_IN_ENGINES: dict[EngineKind, dict[str, EngineRegistration]] = {
    "chat": {
        "echo": EngineRegistration(f"{_CHAT}.echo:EchoEngine"),
        "llama_cpp": EngineRegistration(f"{_CHAT}.llama_cpp:LlamaCppEngine", "xllamacpp", "llama-cpp"),
    },
    "speech": {
        "tone": EngineRegistration(f"{_SPEECH}.tone:ToneEngine"),
        "espeak": EngineRegistration(f"{_SPEECH}.espeak:EspeakEngine", "espeakng_loader", "espeak"),
        "piper": EngineRegistration(f"{_SPEECH}.piper:PiperEngine", "piper", "piper"),
    },
    "recognition": {
        "transcript": EngineRegistration(f"{_EAR}.transcript:TranscriptRecognizer"),
        "faster_whisper": EngineRegistration(
            f"{_EAR}.faster_whisper:FasterWhisperRecognizer", "faster_whisper", "whisper"
        ),
    },
}


def engine_names(kind: EngineKind) -> tuple[str, ...]:
    """Every engine name of ``kind``, built-in ones first."""
    return (
        *BUILT_IN_ENGINES[kind],
        *(name for name in sorted(_third_party(kind)) if name not in BUILT_IN_ENGINES[kind]),
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
    """An engine that is not started yet.

    Raises NotFound for an unknown name, ModelMissing when its package is not installed, InvalidRequest for options
    that its model refuses.
    """
    engine_class = find_engine_class(kind, name)
    return engine_class(_validated(f"{kind}.{name}", engine_class.Options, options or {}))


def find_engine_class(kind: EngineKind, name: str) -> EngineClass:
    """The class behind ``kind`` and ``name``. Raises NotFound, ModelMissing, EngineFailed for a broken package."""
    if (built_in := BUILT_IN_ENGINES[kind].get(name)) is not None:
        return _load(name, built_in)
    if (entry := _third_party(kind).get(name)) is not None:
        try:
            return cast(EngineClass, entry.load())
        except Exception as error:  # a stranger's module may raise anything
            raise EngineFailed(f"engine {name} cannot be imported from {entry.value}: {error}") from error
    raise NotFound(f"unknown {kind} engine {name!r}; known: {', '.join(engine_names(kind))}", param="engine")


def check_engine_options(kind: EngineKind, spec: EngineSpec, *, third_party: bool = False) -> None:
    """Raises NotFound for an unknown engine, InvalidRequest for options that its model refuses.

    Modules of built-in engines are imported for it, never their packages: those come with ``start``. Modules of others
    may bring anything, so without ``third_party`` only their names are checked.
    """
    name = spec.engine
    if (built_in := BUILT_IN_ENGINES[kind].get(name)) is not None:
        engine_class = _imported(built_in)
    elif name in _third_party(kind) and not third_party:
        return
    else:
        engine_class = find_engine_class(kind, name)
    _validated(name, engine_class.Options, spec.options)


def _load(name: str, registration: EngineRegistration) -> EngineClass:
    if registration.package and find_spec(registration.package) is None:
        remedy = f"pip install 'ai-secretary[{registration.extra}]'"
        raise ModelMissing(f"engine {name} needs the package {registration.package}; run: {remedy}", remedy=remedy)
    return _imported(registration)


def _imported(registration: EngineRegistration) -> EngineClass:
    module, _, attribute = registration.path.partition(":")
    return cast(EngineClass, getattr(import_module(module), attribute))


def _validated(name: str, model: type[EngineOptions], options: dict[str, JsonValue]) -> EngineOptions:
    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("options", *first["loc"]))
        known = ", ".join(sorted(model.model_fields))
        raise InvalidRequest(f"engine {name}: {place}: {first['msg']}; options are: {known}", param=place) from error


@cache
def _third_party(kind: EngineKind) -> dict[str, EntryPoint]:
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {e.name.removeprefix(f"{kind}."): e for e in found if e.name.startswith(f"{kind}.")}
