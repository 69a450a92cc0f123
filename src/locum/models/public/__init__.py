"""Synthesizers that start from public rows: what is known already need not be bought."""
