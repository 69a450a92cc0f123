"""Experiments made of the parts: judging one stand-in, with negative controls."""
