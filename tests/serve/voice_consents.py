"""Consents to cloned voices in a running secretary."""

from tests.fakes.voice_recordings import speech, wav
from tests.serve.admin_client import AdminClient, json_of
from tests.serve.secretary_process import SecretaryProcess


def consent_to(secretary: SecretaryProcess, *voices: str) -> str:
    """Records a consent and gives it to ``voices``. Returns its id."""
    form = {"person": "Гуля", "language": "ru"}
    with AdminClient(secretary) as admin:
        recorded = admin.http.post("/voices/consents", data=form, files={"recording": wav(speech(2))})
        consent = str(json_of(recorded)["id"])
        for voice in voices:
            admin.put(f"/voices/cloned/{voice}/consent", {"consent_id": consent})
    return consent
