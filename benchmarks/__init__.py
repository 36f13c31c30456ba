"""Measurements of the whole secretary against peers and against the raw engines: ``python -m benchmarks list``.

Each file is one measurement, or a tool that several share; ``peers`` runs in processes of its own.
"""
