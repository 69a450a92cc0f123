"""Generators of codes: the `Model` protocol, their registry and settings, each in its file or folder."""
