"""Audio as bytes: G.711, resampling, framing, encoding and decoding. All functions are synchronous and do no I/O."""
