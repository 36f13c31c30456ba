"""Route ``/status``."""

from pathlib import Path

from storage.environment import Environment
from tests.api.admin.admin_client import admin_client, opened_office
from tests.api.admin.admin_routers import all_routers


async def test_status_has_services_and_settings(tmp_path: Path) -> None:
    environment = Environment(data=tmp_path / "data", _env_file=None)
    async with opened_office(tmp_path) as office, all_routers(office, environment) as routers:
        await office.settings.update_fields({"temperature": 0.2}, "anna", group="llm")
        async with admin_client(office, lambda _: routers, "viewer") as client:
            reply = await client.get("/status")
    assert reply.status_code == 200, reply.text
    status = reply.json()
    assert status["revision"] == office.publisher.current.revision
    assert status["llm_config"] == {"backend": "local", "persona": "anna", "temperature": 0.2, "max_tokens": 512}
    assert status["tts_config"]["voices"]
    assert {"chat", "voice"} <= set(status["services"])
    assert status["orchestrator"]["overall"] == "degraded", "nothing runs in this cluster"
    assert status["gpu"]["available"] is False
