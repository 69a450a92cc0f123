"""The command line: one file per command, over ``locum.api`` and ``locum.runs``."""
