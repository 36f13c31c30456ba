"""Uploads of voices from a door to the office, which owns the files and the database."""

import asyncio
from dataclasses import replace
from typing import cast

from deployments import names
from deployments.contracts.memory_file import FileElsewhere
from deployments.contracts.voice_library import (
    NewClonedVoice,
    NewVoiceConsent,
    StoredClonedVoice,
    StoredVoiceConsent,
    VoiceUpload,
)
from deployments.remote import RemoteDeployment

_UPLOAD_TIMEOUT_S = 180.0


class VoiceLibraryClient:
    """Implements ``VoiceLibrary`` over the office deployment. An office on another machine gets a copy of an upload."""

    def __init__(self, remote: RemoteDeployment) -> None:
        self._remote = remote

    async def add_consent(self, consent: NewVoiceConsent, owner: str) -> StoredVoiceConsent:
        try:
            return await self._add_consent(consent, owner)
        except FileElsewhere:
            return await self._add_consent(replace(consent, recording=await _copy(consent.recording)), owner)

    async def consents(self, owner: str) -> tuple[StoredVoiceConsent, ...]:
        return cast("tuple[StoredVoiceConsent, ...]", await self._remote.call("voice_consents", owner, timeout_s=10))

    async def rename_consent(self, consent_id: str, person: str, owner: str) -> StoredVoiceConsent:
        renamed = await self._remote.call("rename_voice_consent", consent_id, person, owner, timeout_s=10)
        return cast(StoredVoiceConsent, renamed)

    async def revoke_consent(self, consent_id: str, owner: str) -> None:
        await self._remote.call("revoke_voice_consent", consent_id, owner, timeout_s=10)

    async def add_voice(self, voice: NewClonedVoice, owner: str) -> StoredClonedVoice:
        try:
            return await self._add_voice(voice, owner)
        except FileElsewhere:
            return await self._add_voice(replace(voice, sample=await _copy(voice.sample)), owner)

    async def delete_voice(self, voice_id: str, owner: str) -> None:
        await self._remote.call("delete_cloned_voice", voice_id, owner, timeout_s=30)

    async def _add_consent(self, consent: NewVoiceConsent, owner: str) -> StoredVoiceConsent:
        added = await self._remote.call("add_voice_consent", consent, owner, timeout_s=_UPLOAD_TIMEOUT_S)
        return cast(StoredVoiceConsent, added)

    async def _add_voice(self, voice: NewClonedVoice, owner: str) -> StoredClonedVoice:
        added = await self._remote.call("add_cloned_voice", voice, owner, timeout_s=_UPLOAD_TIMEOUT_S)
        return cast(StoredClonedVoice, added)


async def _copy(upload: VoiceUpload) -> bytes:
    return upload if isinstance(upload, bytes) else await asyncio.to_thread(upload.read)


def voice_library_client() -> VoiceLibraryClient:
    return VoiceLibraryClient(RemoteDeployment.by_name(names.OFFICE_APP, names.OFFICE))
