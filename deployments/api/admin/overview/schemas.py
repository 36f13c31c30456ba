"""Reply of ``/status``."""

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
    """``revision`` is that of the current snapshot. ``orchestrator`` is the health of the whole secretary."""

    revision: int
    orchestrator: HealthReport
    services: dict[str, ServiceView]
    gpu: GpuReport
    llm_config: LlmConfig
    tts_config: TtsConfig
