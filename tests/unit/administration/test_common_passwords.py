"""Passwords that are refused because they are guessed first."""

import pytest

from deployments.administration.auth.passwords import require_strong_password
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.identity import Role
from tests.unit.administration.conftest import PASSWORD

COMMON = (
    *(
        "password",
        "Password1",
        "1234567890",
        " " * 12,
        "  PASSWORD  ",
        "qwertyuiop",
        "йцукенгш",
        "iloveyou",
        "trustno1",
    ),
    *("aaaaaaaaaaaa", "abababababab", "ПАРОЛЬ1234", "secretary-2026", "ai-secretary!", "marina.marina", "marina2026"),
    *("ｐａｓｓｗｏｒｄ", "administrator", "Секретарь1"),
)


@pytest.mark.parametrize("password", COMMON)
def test_common_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        require_strong_password(password, "marina.marina" if password == "marina.marina" else "marina", "new")
    assert caught.value.param == "new"


@pytest.mark.parametrize("password", [PASSWORD, "синий слон поёт в лифте", "marina likes tea", "vT9-kq2_Lw8x"])
def test_uncommon_password_is_accepted(password: str) -> None:
    require_strong_password(password, "marina")


async def test_common_password_is_refused_everywhere(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.accounts.change_password("admin", PASSWORD, "qwertyuiop")
    with pytest.raises(InvalidRequest):
        await office.users.create("marina", Role.VIEWER, "qwertyuiop", "admin")
