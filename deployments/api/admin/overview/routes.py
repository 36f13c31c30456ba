"""Route ``/status``: an overview of the secretary."""

from fastapi import APIRouter

from deployments.administration.office.operations import OperationsServices
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.api.admin.overview.schemas import LlmConfig, StatusOverview, TtsConfig
from deployments.contracts.engines import Assistant


def build_router(operations: OperationsServices, publisher: SnapshotPublisher, assistant: Assistant) -> APIRouter:
    router = APIRouter(tags=["status"])

    @router.get("/status")
    async def status() -> StatusOverview:
        """Returns services, health, GPUs, and the current LLM and TTS settings."""
        snapshot = publisher.current
        settings = snapshot.settings
        persona = snapshot.persona(None)
        return StatusOverview(
            revision=snapshot.revision,
            orchestrator=await operations.monitor.health(),
            services=(await operations.services.status()).services,
            gpu=await operations.monitor.gpu(),
            llm_config=LlmConfig(
                backend=settings.default_route,
                persona=persona.id if persona else "",
                temperature=settings.llm.temperature,
                max_tokens=settings.llm.max_tokens,
            ),
            tts_config=TtsConfig(
                preset=settings.speech.default_preset,
                speed=settings.speech.speed,
                voices=[voice.id for voice in assistant.voices()],
            ),
        )

    return router
