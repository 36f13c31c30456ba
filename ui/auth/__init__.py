"""Authentication of the panel: sessions, the guard in front of every page and websocket, and the login pages."""
