"""Who may see the panel: sessions, the guard in front of every page and socket, and the login pages."""
