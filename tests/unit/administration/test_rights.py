"""Who may do what: one table for everybody who asks."""

import pytest

from deployments.administration.auth.permissions import AdminResource, RequiredRoles, require_role, required_roles
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.users.schemas import NewUser
from deployments.contracts.errors import Forbidden
from deployments.contracts.identity import Role
from storage.repositories.users import StoredUser

VIEWER, OPERATOR, ADMIN = Role


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (AdminResource.FAQ, RequiredRoles(VIEWER, OPERATOR)),
        (AdminResource.CONVERSATIONS, RequiredRoles(VIEWER, VIEWER)),
        (AdminResource.STATUS, RequiredRoles(VIEWER, ADMIN)),
        (AdminResource.USERS, RequiredRoles(ADMIN, ADMIN)),
        (AdminResource.OTHER, RequiredRoles(ADMIN, ADMIN)),
    ],
)
def test_a_subject_is_read_and_changed_by_the_roles_of_the_table(
    subject: AdminResource, expected: RequiredRoles
) -> None:
    assert required_roles(subject) == expected


def test_whoever_changes_a_thing_may_read_it() -> None:
    assert [
        subject for subject in AdminResource if not required_roles(subject).change.covers(required_roles(subject).read)
    ] == []


@pytest.mark.parametrize("needed", Role)
@pytest.mark.parametrize("role", Role)
def test_a_role_does_what_the_ones_before_it_may(role: Role, needed: Role) -> None:
    order = [VIEWER, OPERATOR, ADMIN]
    if order.index(role) >= order.index(needed):
        require_role(role, needed)
    else:
        with pytest.raises(Forbidden, match=f"needs the role {needed}; yours is {role}"):
            require_role(role, needed)


def test_somebody_new_is_a_viewer_unless_more_is_said() -> None:
    assert NewUser(username="anna").role is VIEWER
    assert StoredUser("anna", "hash").role == VIEWER.value


async def test_the_first_person_is_an_administrator(office: OfficeServices) -> None:
    assert (await office.accounts.get("admin")).role == ADMIN.value
