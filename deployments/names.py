"""Application and deployment names: the only strings by which a handle is looked up."""

SECRETARY_APP = "secretary"
OFFICE_APP = "office"
PHONE_APP = "phone"
BOTS_APP = "bots"

GATEWAY = "gateway"
FAQ = "faq"
CHAT = "chat"
RECOGNITION = "recognition"
OFFICE = "office"
PHONE = "phone"
BOTS = "bots"
NAMESPACE = "secretary"


def bot_process(bot_id: str) -> str:
    """What the process of a bot calls itself in its log."""
    return f"bot-{bot_id}"
