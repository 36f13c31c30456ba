"""Application and deployment names. Handles are looked up by these names only."""

SECRETARY_APP = "secretary"
OFFICE_APP = "office"
PHONE_APP = "phone"
BOTS_APP = "bots"

GATEWAY = "gateway"
FAQ = "faq"
RECOGNITION = "recognition"
OFFICE = "office"
PHONE = "phone"
BOTS = "bots"
NAMESPACE = "secretary"


def bot_process(bot_id: str) -> str:
    """The log name of a bot's process."""
    return f"bot-{bot_id}"
