"""Who may lead a bot through proxies: links see all of its messages, and a policy may show this machine's address."""

from collections.abc import Mapping

from deployments.administration.auth.permissions import AdminResource, require_role, required_roles
from deployments.contracts.identity import Role
from deployments.contracts.instances import BotSpec


def require_proxy_rights(role: Role, changes: Mapping[str, object], before: BotSpec | None) -> None:
    """Raises Forbidden when ``changes`` of a bot touch its proxies and ``role`` may not change them. Values that are
    repeated as they are stored are no change; stored links are never shown, so any link is one."""
    had_links, policy = (bool(before.sealed_proxies), before.proxy_policy) if before else (False, "never_direct")
    links = changes.get("vless_urls")
    new_policy = changes.get("proxy_policy") or policy
    if (links is not None and (links or had_links)) or new_policy != policy:
        require_role(role, required_roles(AdminResource.BOT_PROXIES).change)
