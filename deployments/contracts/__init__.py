"""The types that pass between packages and processes: audio, turns, events, speech, engines, snapshot and errors.

This package imports no other package of the project, and neither Ray nor a web framework.
"""
