"""Telephony: text requests in, audio frames out in real time. Contains no sockets."""
