"""One Telegram bot as a plain object. It receives updates by long polling, sends turns to the assistant and sends the
answers to the chat."""
