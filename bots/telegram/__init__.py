"""One Telegram bot as a plain object: updates come in by long polling, turns go to the assistant, answers go back."""
