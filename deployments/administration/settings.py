"""Live behaviour, as people change it."""

from deployments.contracts.settings import Settings


class SettingsAdministration:
    async def get(self) -> Settings:
        """The settings in force."""
        raise NotImplementedError

    async def update(self, changes: Settings, expected_revision: int, by: str) -> Settings:
        """Replaces the settings. ``expected_revision`` is the snapshot revision at which they were read: Conflict when
        somebody changed the settings (not merely anything) after it."""
        raise NotImplementedError
