"""``/tts/xtts/params``: the parameters with which XTTS samples, for clients that know no presets."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from deployments.administration.office.drafts import apply_changes, require_version
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.speech.presets import PresetAdministration, PresetDraft
from deployments.api.admin.etags import IfMatch, given_version, set_etag
from deployments.api.admin.request_bodies import FieldChanges, split_version
from deployments.api.admin.request_identity import Caller
from deployments.contracts.errors import NotFound
from deployments.contracts.voice_settings import Preset, PresetParams

_OWN_PRESET = "xtts"


class XttsParametersReply(PresetParams):
    """The parameters of the default ``preset``, which reach the model."""

    status: Literal["ok"] = "ok"
    preset: str


def xtts_parameters_router(
    presets: PresetAdministration, settings: SettingsAdministration, publisher: SnapshotPublisher
) -> APIRouter:
    """The ETag is that of the settings."""
    router = APIRouter(prefix="/tts/xtts", tags=["tts"])

    async def default() -> Preset:
        name = publisher.current.settings.speech.default_preset
        return next((each for each in await presets.list() if each.name == name), Preset(name=name))

    @router.get("/params")
    async def read(response: Response) -> XttsParametersReply:
        set_etag(response, publisher.current.revision)
        return _reply(await default())

    @router.post("/params")
    async def change(body: FieldChanges, caller: Caller, response: Response, version: IfMatch) -> XttsParametersReply:
        """Changes the given parameters of the default preset. A builtin preset is not changed: the custom preset
        ``xtts`` gets its parameters with the changes, and becomes the default. The version is optional, for older
        clients."""
        changes, in_body = split_version(body)
        require_version(publisher.current.revision, given_version(version, in_body), "settings")
        before = await default()
        params = apply_changes(PresetParams, before.params.model_dump(), changes)
        stored = await _store(presets, before, params, caller.username)
        if stored.name != before.name:
            await settings.update_fields({"default_preset": stored.name}, caller.username, "speech", None)
        set_etag(response, publisher.current.revision)
        return _reply(stored)

    return router


async def _store(presets: PresetAdministration, before: Preset, params: PresetParams, by: str) -> Preset:
    target = _OWN_PRESET if before.builtin else before.name
    try:
        known = await presets.get(target)
    except NotFound:
        return await presets.create(target, PresetDraft(params=params), by)
    draft = PresetDraft(display_name=known.display_name, params=params)
    return await presets.update(target, draft, known.version, by)


def _reply(preset: Preset) -> XttsParametersReply:
    return XttsParametersReply(**preset.params.model_dump(), preset=preset.name)
