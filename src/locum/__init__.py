"""locum: synthetic stand-ins for data, with the evidence of how far they can be trusted."""

__version__ = "0.1.0"
