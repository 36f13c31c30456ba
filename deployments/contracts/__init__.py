"""The nouns that cross every boundary: audio, turns, events, speech, engines, the snapshot and the errors.

Nothing here imports any other package of this project, and nothing here imports Ray, a web framework or a model.
"""
