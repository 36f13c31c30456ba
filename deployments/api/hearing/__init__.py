"""Live sessions of speech recognition over a websocket (docs/phone-protocol.md)."""
