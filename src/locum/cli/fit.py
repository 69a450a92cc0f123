"""TODO."""


def fit() -> None:
    """TODO."""
