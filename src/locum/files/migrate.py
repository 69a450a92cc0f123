"""Old model files brought up to the present format, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from locum.errors import FileFormatError
from locum.files.manifest import FORMAT

if TYPE_CHECKING:
    from locum.files.container import Container

Step = Callable[["Container"], "Container"]

#: Step from each older format to the next one; format 1 is the first, so there is none yet.
STEPS: Mapping[int, Step] = MappingProxyType({})


def migrate(
    container: Container, where: str, *, steps: Mapping[int, Step] = STEPS, to: int = FORMAT
) -> Container:
    """The same model in format `to`.

    Raises
    ------
    FileFormatError
        When the file is newer than `to`, or a step on the way is missing.
    """
    if container.manifest is None:
        return container
    version = container.manifest.format
    if version > to:
        raise FileFormatError(
            f"the file has format {version}", where=where, expected=f"format {to} or older", do="update locum"
        )
    while version < to:
        step = steps.get(version)
        if step is None:
            raise FileFormatError(
                f"the file has format {version}, which can no longer be read",
                where=where,
                do="fit the model again",
            )
        container = step(container)
        version += 1
    manifest = container.manifest and replace(container.manifest, format=to)
    return replace(container, manifest=manifest)
