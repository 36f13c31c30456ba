"""The pages of the panel, in groups, in the order of the navigation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module

from deployments.administration.auth.permissions import AdminResource
from ui.attention import AttentionNote
from ui.context import PanelContext


@dataclass(frozen=True, slots=True)
class PanelTab:
    """A page for users who may read ``resource``; ``module`` of ``ui.tabs`` draws it. ``title`` and ``group`` are keys
    of translations. ``on_phone``: one of the four entries at the bottom of a small screen. Pages that are not
    ``in_navigation`` are reached by links.
    ``short``: the key of a shorter title, for small screens."""

    path: str
    title: str
    icon: str
    resource: AdminResource
    group: str
    module: str
    on_phone: bool = False
    in_navigation: bool = True
    short: str = ""

    @property
    def show(self) -> Callable[[PanelContext], Awaitable[None]]:
        """Draws the page, and runs as long as it is open."""
        show: Callable[[PanelContext], Awaitable[None]] = import_module(f"ui.tabs.{self.module}").show
        return show


_TALK, _REPLIES, _MIND, _CHANNELS = "nav.talk", "nav.replies", "nav.mind", "nav.channels"
_OPERATIONS, _SYSTEM = "nav.operations", "nav.system"

TABS = (
    PanelTab("/", "nav.home", "home", AdminResource.STATUS, _TALK, "home", on_phone=True),
    PanelTab("/start", "start.title", "flag", AdminResource.USERS, _TALK, "start", in_navigation=False),
    PanelTab("/chat", "nav.chat", "forum", AdminResource.CONVERSATIONS, _TALK, "chat", on_phone=True),
    PanelTab(
        "/conversations",
        "nav.conversations",
        "history",
        AdminResource.CONVERSATIONS,
        _TALK,
        "conversations",
        on_phone=True,
        short="nav.conversations_short",
    ),
    PanelTab("/faq", "nav.faq", "quiz", AdminResource.FAQ, _REPLIES, "faq", on_phone=True, short="nav.replies"),
    PanelTab("/llm", "nav.llm", "psychology", AdminResource.LOCAL_MODELS, _MIND, "llm"),
    PanelTab("/voices", "nav.voices", "record_voice_over", AdminResource.VOICES, _MIND, "voices"),
    PanelTab("/models", "nav.models", "inventory_2", AdminResource.MODEL_FILES, _MIND, "models"),
    PanelTab("/telegram", "nav.telegram", "send", AdminResource.BOTS, _CHANNELS, "telegram"),
    PanelTab("/widget", "nav.widget", "web", AdminResource.WIDGETS, _CHANNELS, "widget"),
    PanelTab("/phone", "nav.phone", "call", AdminResource.STATUS, _CHANNELS, "phone"),
    PanelTab("/keys", "nav.keys", "key", AdminResource.KEYS, _CHANNELS, "keys"),
    PanelTab("/services", "nav.services", "memory", AdminResource.SERVICES, _OPERATIONS, "services"),
    PanelTab("/monitoring", "nav.monitoring", "monitor_heart", AdminResource.MONITORING, _OPERATIONS, "monitoring"),
    PanelTab("/logs", "nav.logs", "article", AdminResource.LOGS, _OPERATIONS, "logs"),
    PanelTab("/audit", "nav.audit", "fact_check", AdminResource.AUDIT, _OPERATIONS, "audit"),
    PanelTab("/settings", "nav.settings", "tune", AdminResource.SETTINGS, _SYSTEM, "settings"),
    PanelTab("/users", "nav.users", "group", AdminResource.USERS, _SYSTEM, "users"),
    PanelTab("/privacy", "nav.privacy", "policy", AdminResource.PRIVACY, _SYSTEM, "privacy"),
    PanelTab("/backup", "nav.backup", "backup", AdminResource.BACKUPS, _SYSTEM, "backup"),
)


def tabs_of(panel: PanelContext) -> tuple[PanelTab, ...]:
    """The pages that the user of ``panel`` may open."""
    return tuple(tab for tab in TABS if panel.can_read(tab.resource))


def tabs_by_group(panel: PanelContext) -> dict[str, list[PanelTab]]:
    """The pages of ``tabs_of`` by the key of their group."""
    groups: dict[str, list[PanelTab]] = {}
    for tab in (each for each in tabs_of(panel) if each.in_navigation):
        groups.setdefault(tab.group, []).append(tab)
    return groups


async def attention_of(panel: PanelContext) -> tuple[AttentionNote, ...]:
    """What needs attention at the pages that the user of ``panel`` may open."""
    paths = {tab.path for tab in tabs_of(panel)}
    return tuple(note for note in await panel.attention.get() if note.path in paths)
