"""Routes of speech presets, the general speaking rate and the phrase cache."""

from fastapi import APIRouter, status
from starlette.responses import Response

from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.speech.presets import PresetAdministration
from deployments.administration.speech.voices import VoiceAdministration
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.speech.schemas import (
    DefaultPresetBody,
    DefaultPresetReply,
    NewPreset,
    PhraseCacheReply,
    PresetBody,
    PresetList,
    PresetReply,
    SpeedBody,
    SpeedReply,
)
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import NotFound
from deployments.contracts.voice_settings import Preset


def presets_router(
    presets: PresetAdministration, settings: SettingsAdministration, publisher: SnapshotPublisher
) -> APIRouter:
    router = APIRouter(prefix="/tts", tags=["tts"])
    _add_choice(router, presets, settings, publisher)
    _add_custom(router, presets, publisher)
    return router


def phrase_cache_router(
    voices: VoiceAdministration,
    settings: SettingsAdministration,
    publisher: SnapshotPublisher,
    assistant: Assistant,
) -> APIRouter:
    router = APIRouter(prefix="/tts", tags=["tts"])

    @router.get("/cache")
    async def cache() -> PhraseCacheReply:
        snapshot = publisher.current
        return PhraseCacheReply(epoch=snapshot.cache_epoch, max_mb_per_door=snapshot.settings.speech.cache_mb)

    @router.delete("/cache")
    async def clear(caller: Caller) -> PhraseCacheReply:
        """Clears the phrase cache of every door. A phrase that is being synthesized is not cached."""
        epoch = await voices.clear_phrase_cache(caller.username)
        return PhraseCacheReply(epoch=epoch, max_mb_per_door=publisher.current.settings.speech.cache_mb)

    @router.get("/piper/params")
    async def speed(response: Response) -> SpeedReply:
        """The general speaking rate. The ETag is that of the settings."""
        snapshot = publisher.current
        set_etag(response, snapshot.revision)
        return SpeedReply(speed=snapshot.settings.speech.speed, voices=_piper(assistant))

    @router.post("/piper/params")
    async def change_speed(body: SpeedBody, caller: Caller, response: Response, version: IfMatch) -> SpeedReply:
        """Sets the general speaking rate, 0.25 to 4. The version is optional, for older clients."""
        read = given_version(version, body.version)
        stored = await settings.update_fields({"speed": body.speed}, caller.username, "speech", read)
        set_etag(response, stored.revision)
        return SpeedReply(speed=stored.settings.speech.speed, voices=_piper(assistant))

    return router


def _add_choice(
    router: APIRouter, presets: PresetAdministration, settings: SettingsAdministration, publisher: SnapshotPublisher
) -> None:
    @router.get("/presets")
    async def every(response: Response) -> PresetList:
        """Every preset and the name of the default one. The ETag is that of the settings."""
        snapshot = publisher.current
        set_etag(response, snapshot.revision)
        return _listed(await presets.list(), snapshot.settings.speech.default_preset)

    @router.post("/preset")
    async def choose(
        body: DefaultPresetBody, caller: Caller, response: Response, version: IfMatch
    ) -> DefaultPresetReply:
        """Sets the default preset, builtin or custom. The version is optional, for older clients."""
        known = {preset.name: preset for preset in await presets.list()}
        if body.preset not in known:
            raise NotFound(
                f"there is no speech preset {body.preset!r}; those that exist: {', '.join(known)}", param="preset"
            )
        read = given_version(version, body.version)
        stored = await settings.update_fields({"default_preset": body.preset}, caller.username, "speech", read)
        set_etag(response, stored.revision)
        chosen = known[body.preset]
        return DefaultPresetReply(
            preset=chosen.name, display_name=chosen.display_name or chosen.name, settings=chosen.params
        )


def _add_custom(router: APIRouter, presets: PresetAdministration, publisher: SnapshotPublisher) -> None:
    @router.get("/presets/custom")
    async def own() -> PresetList:
        custom = [preset for preset in await presets.list() if not preset.builtin]
        return _listed(custom, publisher.current.settings.speech.default_preset)

    @router.post("/presets/custom", status_code=status.HTTP_201_CREATED)
    async def create(body: NewPreset, caller: Caller, response: Response) -> PresetReply:
        """409 when there is a preset of this name, builtin or not."""
        return _tagged(await presets.create(body.name, body.draft(), caller.username), response)

    @router.get("/presets/{name:path}")
    async def one(name: str, response: Response) -> PresetReply:
        """A preset, builtin or custom."""
        return _tagged(await presets.get(name.removeprefix("custom/")), response)

    @router.put("/presets/custom/{name:path}")
    async def replace(name: str, body: PresetBody, caller: Caller, response: Response, version: IfMatch) -> PresetReply:
        """403 for a builtin preset."""
        stored = await presets.update(name, body.draft(), required_version(version, body.version), caller.username)
        return _tagged(stored, response)

    @router.delete("/presets/custom/{name:path}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(name: str, caller: Caller, version: IfMatch) -> None:
        """409 while it is in use, 403 for a builtin preset."""
        await presets.delete(name, caller.username, version)


def _listed(presets: tuple[Preset, ...] | list[Preset], current: str) -> PresetList:
    return PresetList(presets={preset.name: PresetReply.of(preset) for preset in presets}, current=current)


def _tagged(preset: Preset, response: Response) -> PresetReply:
    set_etag(response, preset.version)
    return PresetReply.of(preset)


def _piper(assistant: Assistant) -> list[str]:
    return [voice.id for voice in assistant.voices() if voice.engine == "piper"]
