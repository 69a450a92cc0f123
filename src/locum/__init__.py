"""locum: synthetic stand-ins for data, with the evidence of how far they can be trusted.

``import locum`` loads nothing else; each public name is fetched when it is first used, from where `locum.api`
says. What type checkers and editors see is in ``__init__.pyi``.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    from locum.api import NAMES, fetch

    if name == "__all__":
        return sorted([*NAMES, "__version__"])
    if name in NAMES:
        return fetch(NAMES[name])
    raise AttributeError(f"module 'locum' has no attribute {name!r}")


def __dir__() -> object:
    return __getattr__("__all__")
