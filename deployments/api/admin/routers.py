"""Every area of the office's REST API."""

from fastapi import APIRouter

from deployments.administration.office import Office
from deployments.api.admin.audit.routes import audit_router
from deployments.api.admin.auth.routes import auth_router
from deployments.api.admin.keys.routes import keys_router
from deployments.api.admin.settings.routes import settings_router
from deployments.api.admin.usage.routes import usage_router
from deployments.api.admin.users.routes import users_router


def office_routers(office: Office) -> tuple[APIRouter, ...]:
    return (
        auth_router(office.accounts, office.tokens),
        users_router(office.users),
        keys_router(office.keys),
        audit_router(office.audit),
        usage_router(office.usage, office.publisher),
        settings_router(office.settings, office.publisher, office.reports),
    )
