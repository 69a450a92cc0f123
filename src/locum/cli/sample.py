"""TODO."""


def sample() -> None:
    """TODO."""
