"""TODO."""


def evaluate() -> None:
    """TODO."""
