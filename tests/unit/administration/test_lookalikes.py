"""Names that look like those of others."""

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.lookalikes import require_distinct_name
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.identity import Role

EXISTING = ("admin", "copy", "Аренда", "marina")


@pytest.mark.parametrize(
    "name",
    [
        "аdmin",
        "аԁmіn",
        "сору",
        "сорy",
        "ɑdmin",
        "αdmin",
        "ａdmin",
        "adm\u200bin",
        "mаrinа",
        "Apенда",
        "𝐚dmin",
    ],
)
def test_name_that_looks_like_another_is_refused(name: str) -> None:
    with pytest.raises(SecretaryError) as caught:
        require_distinct_name(name, EXISTING, "username")
    assert isinstance(caught.value, Conflict | InvalidRequest)
    assert caught.value.param == "username"


@pytest.mark.parametrize(
    "name",
    [
        "марина",
        "сергей",
        "ольга.й",
        "ёлкин",
        "it-отдел",
        "1с",
        "ivan2",
        "иван@example.org",
        "jürgen",
        "admin",
        "小明",
        "Νίκος",
    ],
)
def test_honest_name_is_accepted(name: str) -> None:
    require_distinct_name(name, EXISTING, "username")


async def test_user_and_key_with_lookalike_name_are_refused(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.users.create("аdmin", Role.VIEWER, None, "admin")
    await office.users.create("copy", Role.VIEWER, None, "admin")
    with pytest.raises(Conflict):
        await office.users.create("сору", Role.VIEWER, None, "admin")
    await office.keys.create("copy", ("chat",), "admin")
    with pytest.raises(Conflict):
        await office.keys.create("сору", ("chat",), "admin")
