"""The HTTP door: an OpenAI-compatible API in front of an ``Assistant``.

``app.build_app`` wires it. A request passes ``gate.Gate`` (headers, key, rate, body limit, errors, metrics) and then
one area: ``chat``, ``speech``, ``transcription``, ``embeddings``, ``models`` or ``status``. Nothing here imports Ray.
"""
