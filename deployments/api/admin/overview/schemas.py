"""The state of everything in one reply."""

from pydantic import BaseModel

from deployments.administration.monitoring.gpu import GpuReport
from deployments.administration.monitoring.monitor import HealthReport
from deployments.administration.services.service_control import ServiceView


class LlmConfig(BaseModel):
    backend: str
    persona: str
    temperature: float
    max_tokens: int


class TtsConfig(BaseModel):
    preset: str
    speed: float
    voices: list[str]


class StatusOverview(BaseModel):
    """``revision`` is that of the snapshot in force; ``orchestrator`` is the health of the whole."""

    revision: int
    orchestrator: HealthReport
    services: dict[str, ServiceView]
    gpu: GpuReport
    llm_config: LlmConfig
    tts_config: TtsConfig
