"""TODO."""


def demo() -> None:
    """TODO."""
