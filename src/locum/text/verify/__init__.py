"""Verifiers: whether what a model wrote is what was asked for."""
