"""Roles required for each resource."""

import pytest

from deployments.administration.auth.permissions import AdminResource, RequiredRoles, require_role, required_roles
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.users.schemas import NewUser
from deployments.contracts.errors import Forbidden
from deployments.contracts.identity import Role
from storage.repositories.users import StoredUser

VIEWER, OPERATOR, ADMIN = Role


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (AdminResource.FAQ, RequiredRoles(VIEWER, OPERATOR)),
        (AdminResource.CONVERSATIONS, RequiredRoles(VIEWER, VIEWER)),
        (AdminResource.STATUS, RequiredRoles(VIEWER, ADMIN)),
        (AdminResource.USERS, RequiredRoles(ADMIN, ADMIN)),
        (AdminResource.OTHER, RequiredRoles(ADMIN, ADMIN)),
    ],
)
def test_required_roles_of_resource(resource: AdminResource, expected: RequiredRoles) -> None:
    assert required_roles(resource) == expected


def test_change_role_covers_read_role() -> None:
    assert [
        resource
        for resource in AdminResource
        if not required_roles(resource).change.covers(required_roles(resource).read)
    ] == []


@pytest.mark.parametrize("required", Role)
@pytest.mark.parametrize("role", Role)
def test_require_role_covers_lower_roles(role: Role, required: Role) -> None:
    order = [VIEWER, OPERATOR, ADMIN]
    if order.index(role) >= order.index(required):
        require_role(role, required)
    else:
        with pytest.raises(Forbidden, match=f"needs the role {required}; yours is {role}"):
            require_role(role, required)


def test_new_user_is_viewer_by_default() -> None:
    assert NewUser(username="anna").role is VIEWER
    assert StoredUser("anna", "hash").role == VIEWER.value


async def test_first_user_is_admin(office: OfficeServices) -> None:
    assert (await office.accounts.get("admin")).role == ADMIN.value
