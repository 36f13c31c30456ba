"""One module for each tab. ``show(panel)`` runs as long as the tab is open and is cancelled when the user leaves it."""
