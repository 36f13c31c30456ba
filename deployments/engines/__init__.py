"""Engines: the language models, voices and ears behind the protocols of ``contracts.engines``.

``registry`` builds one by kind and name; ``adapters`` adds abilities; ``threads`` keeps blocking work off the event
loop. Vendor errors are translated here, once, into the tree of ``contracts.errors``.
"""
