"""The data of one person as a file to hand over."""

import orjson

from deployments.administration.privacy.service import PersonalData


def personal_data_file(person: str, data: PersonalData) -> bytes:
    """Indented JSON. Recordings are listed without their audio."""
    content = {
        "person": person,
        "conversations": [{"session": session, "messages": messages} for session, messages in data.conversations],
        "exchanges": [exchange.model_dump(mode="json") for exchange in data.exchanges],
        "recordings": data.recordings,
        "consents": data.consents,
        "voice_consents": data.voice_consents,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2, default=_plain)


def _plain(value: object) -> object:
    """Values that orjson does not know: models as their fields, everything else as text."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else str(value)
