"""TODO."""


def check() -> None:
    """TODO."""
