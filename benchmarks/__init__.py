"""Benchmarks of the secretary against peers and raw engines: ``python -m benchmarks list``.

A module is one benchmark or a tool of several. ``peers`` has programs that run in their own processes.
"""
