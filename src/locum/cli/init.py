"""TODO."""


def init() -> None:
    """TODO."""
