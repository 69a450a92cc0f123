"""What comes from private data stays on this machine unless the user named the endpoint that may have it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from locum.errors import LeakError
from locum.text.engine.model import ModelSpec


def refuse_remote(
    models: Mapping[str, ModelSpec], *, allowed: Collection[str] = (), why: str = "private data"
) -> None:
    """Refuse models that are neither on this machine nor allowed by the name of their host.

    Raises
    ------
    LeakError
        Before anything is sent.
    """
    for name, spec in models.items():
        if not spec.local and spec.host not in allowed:
            raise LeakError(
                f"{why} would be sent to {spec.host}",
                where=f"model {name!r}",
                expected="a model on this machine",
                do=f"declare the source public (private = false), or allow the endpoint by name: "
                f"--allow-endpoint {spec.host}",
            )
