"""Sound as bytes: G.711, resampling, framing, encoding and decoding. Pure and synchronous; no sockets, no models."""
