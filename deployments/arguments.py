"""The arguments of each deployment in ``graph.yaml``. Unknown keys are errors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from deployments.engines.registry import EngineSpec

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hosting(Strict):
    """How Serve hosts one deployment."""

    replicas: int = Field(default=1, ge=1, le=64, description="Number of processes")
    max_ongoing_requests: int = Field(default=64, ge=1, le=10_000, description="Concurrent requests per replica")
    max_queued_requests: int = Field(
        default=64, ge=-1, le=100_000, description="Queued requests per caller; more are rejected"
    )
    num_cpus: float = Field(default=0.0, ge=0, le=256, description="CPUs that Ray reserves per replica")
    num_gpus: float = Field(default=0.0, ge=0, le=16, description="GPUs that Ray reserves per replica")
    gpu_memory_gb: float = Field(
        default=0, ge=0, le=1_000, description="GPU memory of one replica in GiB, for the check; 0: computed"
    )
    graceful_shutdown_s: float = Field(default=10, ge=0, le=7200, description="Time for running requests at shutdown")


class GatewayArgs(Hosting):
    max_ongoing_requests: int = Field(default=256, ge=1, le=10_000)
    max_queued_requests: int = Field(default=256, ge=-1, le=100_000)


class FaqArgs(Hosting):
    max_ongoing_requests: int = Field(default=100, ge=1, le=10_000)


class ChatArgs(Hosting):
    """A local language model. The first one is the default."""

    name: Name = Field(default="chat", description="Deployment and service; the route is local:<name>")
    engine: str
    options: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def spec(self) -> EngineSpec:
        return EngineSpec(engine=self.engine, options=self.options)


class VoiceArgs(Hosting):
    """One deployment that hosts one or several speech engines in a process."""

    name: Name = "voice"
    engines: tuple[EngineSpec, ...] = Field(min_length=1)
    max_ongoing_requests: int = Field(default=64, ge=1, le=10_000)


class RecognitionArgs(Hosting):
    """One deployment that hosts one or several recognition engines in a process."""

    engines: tuple[EngineSpec, ...] = Field(min_length=1)
    max_transcripts: int = Field(
        default=20, ge=1, le=10_000, description="Recordings per replica, in work or waiting; more are rejected"
    )
    max_sessions: int = Field(default=32, ge=1, le=1_000, description="Live sessions per replica; more are rejected")
    max_ongoing_requests: int = Field(default=256, ge=1, le=10_000)

    @model_validator(mode="before")
    @classmethod
    def _check_engine_key(cls, value: object) -> object:
        if isinstance(value, dict) and "engine" in value:
            raise PydanticCustomError(
                "unknown_key",
                "engine: unknown key; write engines, a list, for example engines: [{engine: faster_whisper}]",
            )
        return value


def _require_chats(value: object, expected: str) -> object:
    """Raises an error that says what is ``expected`` when ``value`` has the key ``chat``."""
    if isinstance(value, dict) and "chat" in value:
        raise PydanticCustomError("unknown_key", "chat: unknown key; write {expected}", {"expected": expected})
    return value


class SecretaryArgs(Strict):
    gateway: GatewayArgs = GatewayArgs()
    faq: FaqArgs | None = FaqArgs()
    chats: tuple[ChatArgs, ...] = ()
    voices: tuple[VoiceArgs, ...] = ()
    recognition: RecognitionArgs | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_key(cls, value: object) -> object:
        return _require_chats(value, "chats, a list of models, for example chats: [{name: chat, engine: echo}]")


class UsedEngineArgs(Strict):
    """Deployments of the secretary application that a door in another application uses."""

    faq: bool = True
    chats: tuple[Name, ...] = ("chat",)
    voices: tuple[Name, ...] = ("voice",)
    recognition: bool = True

    @model_validator(mode="before")
    @classmethod
    def _check_key(cls, value: object) -> object:
        return _require_chats(value, "chats, a list of names, for example chats: [chat]")


class OfficeArgs(Hosting):
    staff: UsedEngineArgs = UsedEngineArgs()
    max_ongoing_requests: int = Field(default=500, ge=1, le=10_000)
    max_queued_requests: int = Field(default=200, ge=-1, le=100_000)


class PhoneArgs(Hosting):
    staff: UsedEngineArgs = UsedEngineArgs(chats=(), faq=False)
    max_ongoing_requests: int = Field(default=200, ge=1, le=10_000, description="Concurrent calls per replica")
    max_queued_requests: int = Field(default=8, ge=-1, le=100_000)


class BotsArgs(Hosting):
    staff: UsedEngineArgs = UsedEngineArgs()
