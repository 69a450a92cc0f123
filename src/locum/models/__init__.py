"""Generators of rows: the `Model` protocol on codes, the registry, and the table-level `Synthesizer`."""
