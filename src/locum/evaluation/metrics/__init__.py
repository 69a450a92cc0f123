"""Judges of fidelity, usefulness and parity; each is a function from a trial to results."""
