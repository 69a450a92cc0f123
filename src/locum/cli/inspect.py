"""TODO."""


def inspect() -> None:
    """TODO."""
