"""Export and import of the configuration: everything that people set up, without secrets, conversations and users."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.administration.bots.service import BotAdministration, BotDraft
from deployments.administration.faq.importing import FaqImporter
from deployments.administration.faq.service import FaqAdministration
from deployments.administration.llm.chains import ChainAdministration, ChainDraft
from deployments.administration.llm.personas import PersonaAdministration, PersonaDraft
from deployments.administration.llm.providers import ProviderAdministration, ProviderDraft
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.administration.speech.presets import PresetAdministration, PresetDraft
from deployments.administration.transfer.document import SECTIONS, ConfigurationFile, SectionName, SectionReport
from deployments.administration.transfer.sections import FaqSection, Section, SettingsSection, SpecSection
from deployments.administration.widgets.service import WidgetAdministration, WidgetDraft
from storage.database import Database
from storage.repositories.audit import AuditEvent


@dataclass(frozen=True)
class TransferredServices:
    """The services whose content a configuration file has."""

    settings: SettingsAdministration
    faq: FaqAdministration
    faq_importer: FaqImporter
    personas: PersonaAdministration
    presets: PresetAdministration
    chains: ChainAdministration
    providers: ProviderAdministration
    widgets: WidgetAdministration
    bots: BotAdministration


class ConfigurationTransfer:
    """Tokens, keys and proxy links are never exported: an import keeps the stored ones, and refuses a new bot. Every
    entry is one change with an audit event of its own; an import that is refused in part has changed the rest."""

    def __init__(self, database: Database, services: TransferredServices) -> None:
        self._database = database
        sections = _sections(services)
        self._sections = {name: sections[name] for name in SECTIONS}

    async def export(self, by: str, sections: Collection[SectionName] = SECTIONS) -> ConfigurationFile:
        """The named sections. Adds an audit event."""
        content = {name: await section.export() for name, section in self._sections.items() if name in sections}
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(by, "export", "configuration", detail=", ".join(content)))
        return ConfigurationFile(exported_at=datetime.now(UTC), sections=content)

    async def load(
        self, file: ConfigurationFile, by: str, *, dry_run: bool, sections: Collection[SectionName] = SECTIONS
    ) -> tuple[SectionReport, ...]:
        """Imports the named sections that the file has. A dry run changes nothing; it checks the fields of each entry,
        not yet what an entry refers to. Raises InvalidRequest for a section of another shape."""
        chosen = [section for name, section in self._sections.items() if name in file.sections and name in sections]
        return tuple([await section.load(file.sections[section.name], by, dry_run=dry_run) for section in chosen])


def _sections(services: TransferredServices) -> dict[SectionName, Section]:
    builtin = frozenset(preset.name for preset in BUILTIN_PRESETS)
    links = frozenset({"vless_urls"})
    return {
        "presets": SpecSection("presets", services.presets, PresetDraft, builtin=builtin),
        "providers": SpecSection("providers", services.providers, ProviderDraft, secrets=links | {"api_key"}),
        "chains": SpecSection("chains", services.chains, ChainDraft),
        "personas": SpecSection("personas", services.personas, PersonaDraft),
        "settings": SettingsSection(services.settings),
        "widgets": SpecSection("widgets", services.widgets, WidgetDraft),
        "bots": SpecSection("bots", services.bots, BotDraft, secrets=links | {"token"}, needs_secret=True),
        "faq": FaqSection(services.faq, services.faq_importer),
    }
