"""TODO."""


def run() -> None:
    """TODO."""
