"""HTTP APIs: an OpenAI-compatible API in front of an ``Assistant``, the phone websocket and the admin API.

``app.build_app`` builds the gateway. A request passes ``gate.Gate`` (headers, key, rate, body limit, errors, metrics)
and then one endpoint of ``chat``, ``speech``, ``transcription``, ``embeddings``, ``models`` or ``status``.
"""
