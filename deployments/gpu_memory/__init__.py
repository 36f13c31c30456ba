"""How much GPU memory the engines of a graph need, and whether the cards have it. Reads headers of weights only; needs
neither a card nor the engines' libraries."""
