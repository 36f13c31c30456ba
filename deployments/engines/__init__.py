"""Engines: language models, speech synthesis and speech recognition behind the protocols of ``contracts.engines``.

``registry`` builds an engine from its kind and name. ``adapters`` adds abilities to an engine. ``worker_threads`` runs
blocking libraries off the event loop. An engine translates the errors of its library into ``contracts.errors``.
"""
