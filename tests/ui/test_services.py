"""The Services page: state and remedy of services, start and stop with a question, and the channels."""

import pytest
from playwright.async_api import Locator, expect

from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import HEALTHY_ENGINES
from tests.ui.panel_server import PanelServer
from tests.unit.administration.fake_replicas import FollowedReplica

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def replica(server: PanelServer, service: str) -> FollowedReplica:
    return FollowedReplica(server.services.operations.replica_registry, service, "1")


def card(user: BrowserUser, service: str) -> Locator:
    return user.page.locator(f".services-card[data-service={service}]")


async def test_service_is_stopped_after_question_and_started(admin: BrowserUser) -> None:
    async with replica(admin.server, "chat") as host:
        await admin.open_logged_in("services")
        chat = card(admin, "chat")
        await expect(chat).to_contain_text("Языковая модель")
        await expect(chat.locator("[data-state=running]")).to_have_text("Работает")
        await expect(chat).to_contain_text("m-1")
        await chat.get_by_role("button", name="Остановить").click()
        question = admin.page.get_by_role("alertdialog")
        await expect(question).to_contain_text("люди получают запасной ответ")
        await question.get_by_role("button", name="Отмена").click()
        assert host.loaded
        await chat.get_by_role("button", name="Остановить").click()
        await question.get_by_role("button", name="Остановить").click()
        await expect(chat.locator("[data-state=stopped]")).to_have_text("Остановлено")
        assert not host.loaded
        await chat.get_by_role("button", name="Запустить").click()
        await expect(chat.locator("[data-state=running]")).to_be_visible()


async def test_failed_service_shows_reason_and_remedy(admin: BrowserUser) -> None:
    async with replica(admin.server, "voice") as host:
        host.broken = "weights are not on disk"
        await admin.open_logged_in("services")
        voice = card(admin, "voice")
        await expect(voice.locator("[data-state=failed]")).to_have_text("Не работает")
        await expect(voice.get_by_role("note")).to_contain_text("weights are not on disk")
        await expect(voice.locator("code")).to_have_text("mend it")
        await expect(voice.get_by_role("button", name="Перезапустить")).to_be_enabled()


async def test_sleeping_service_is_woken(admin: BrowserUser) -> None:
    async with replica(admin.server, "chat") as host:
        host.is_sleeper = True
        await admin.open_logged_in("services")
        chat = card(admin, "chat")
        await chat.get_by_role("button", name="Усыпить").click()
        await admin.page.get_by_role("alertdialog").get_by_role("button", name="Усыпить").click()
        await expect(chat.locator("[data-state=sleeping]")).to_have_text("Спит")
        await expect(chat).to_contain_text("Модель разбудит следующий вопрос")
        await chat.get_by_role("button", name="Разбудить").click()
        await expect(chat.locator("[data-state=running]")).to_be_visible()
        assert host.naps == 1


async def test_channel_says_whether_its_settings_are_newest(admin: BrowserUser) -> None:
    revision = admin.server.office.publisher.current.revision
    await admin.server.reports.accept(DoorReport(door="bots#1", sequence=1, revision=revision - 1, live_streams=2))
    await admin.open_logged_in("services")
    door = admin.page.locator("[data-door=bots]")
    await expect(door).to_contain_text("Боты в мессенджерах")
    await expect(door).to_contain_text("Получает новые настройки")
    await expect(door).to_contain_text("2 живых соединения")
    await admin.server.reports.accept(DoorReport(door="bots#1", sequence=2, revision=revision))
    await expect(door).to_contain_text("Настройки последние")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_services_are_read_only_below_admin(admin: BrowserUser, role: Role) -> None:
    admin.server.assistant.engines = HEALTHY_ENGINES
    name = await admin.server.add_user(f"services-{role.value}", role)
    await admin.open_logged_in("services", name)
    await expect(card(admin, "chat")).to_contain_text("Не запущено")
    await expect(admin.page.get_by_role("note").first).to_contain_text("Изменять это может администратор")
    await expect(admin.page.locator(".services").get_by_role("button")).to_have_count(0)
