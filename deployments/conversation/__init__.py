"""The turn: a question goes through prepared answers, then a model, then a voice. No sockets, no Ray."""
