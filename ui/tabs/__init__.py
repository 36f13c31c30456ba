"""One module per tab; ``show(panel)`` lives as long as the tab is open and is cancelled when it is left."""
