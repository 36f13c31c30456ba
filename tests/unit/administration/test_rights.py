"""Who may do what: one table for everybody who asks."""

import pytest

from deployments.administration.office import Office
from deployments.administration.rights import Rights, Subject, require, rights
from deployments.api.admin.users.schemas import NewUser
from deployments.contracts.errors import Forbidden
from deployments.contracts.identity import Role
from storage.repositories.users import StoredUser

VIEWER, OPERATOR, ADMIN = Role


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject.ANSWERS, Rights(VIEWER, OPERATOR)),
        (Subject.CHAT, Rights(VIEWER, VIEWER)),
        (Subject.STATUS, Rights(VIEWER, ADMIN)),
        (Subject.PEOPLE, Rights(ADMIN, ADMIN)),
        (Subject.OTHER, Rights(ADMIN, ADMIN)),
    ],
)
def test_a_subject_is_read_and_changed_by_the_roles_of_the_table(subject: Subject, expected: Rights) -> None:
    assert rights(subject) == expected


def test_whoever_changes_a_thing_may_read_it() -> None:
    assert [subject for subject in Subject if not rights(subject).change.covers(rights(subject).read)] == []


@pytest.mark.parametrize("needed", Role)
@pytest.mark.parametrize("role", Role)
def test_a_role_does_what_the_ones_before_it_may(role: Role, needed: Role) -> None:
    order = [VIEWER, OPERATOR, ADMIN]
    if order.index(role) >= order.index(needed):
        require(role, needed)
    else:
        with pytest.raises(Forbidden, match=f"needs the role {needed}; yours is {role}"):
            require(role, needed)


def test_somebody_new_is_a_viewer_unless_more_is_said() -> None:
    assert NewUser(username="anna").role is VIEWER
    assert StoredUser("anna", "hash").role == VIEWER.value


async def test_the_first_person_is_an_administrator(office: Office) -> None:
    assert (await office.accounts.get("admin")).role == ADMIN.value
