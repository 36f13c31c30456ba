"""Cloned voices and consents as an API key sees them: what it recorded itself."""

from collections.abc import Callable

from deployments.administration.speech.cloned_voices import ClonedVoices
from deployments.administration.speech.voice_consents import VoiceConsents
from deployments.contracts.speech import Voice
from deployments.contracts.voice_library import NewClonedVoice, NewVoiceConsent, StoredClonedVoice, StoredVoiceConsent


class KeyVoiceLibrary:
    """Implements ``VoiceLibrary``. ``installed`` returns every voice of every engine, whose ids are taken."""

    def __init__(
        self, consents: VoiceConsents, voices: ClonedVoices, installed: Callable[[], tuple[Voice, ...]]
    ) -> None:
        self._consents = consents
        self._voices = voices
        self._installed = installed

    async def add_consent(self, consent: NewVoiceConsent, owner: str) -> StoredVoiceConsent:
        return await self._consents.add(consent, owner, owner)

    async def consents(self, owner: str) -> tuple[StoredVoiceConsent, ...]:
        return tuple(each for each in await self._consents.list(owner) if each.revoked_at is None)

    async def rename_consent(self, consent_id: str, person: str, owner: str) -> StoredVoiceConsent:
        return await self._consents.rename(consent_id, person, owner, owner)

    async def revoke_consent(self, consent_id: str, owner: str) -> None:
        await self._consents.revoke(consent_id, owner, owner)

    async def add_voice(self, voice: NewClonedVoice, owner: str) -> StoredClonedVoice:
        return await self._voices.add(voice, owner, [each.id for each in self._installed()], owner)

    async def delete_voice(self, voice_id: str, owner: str) -> None:
        await self._voices.delete(voice_id, owner, owner)
