"""A fitted generator of codes together with the coding of its table: all that a request is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from locum.models.base import Model

if TYPE_CHECKING:
    from locum.codes.encoder import Encoder
    from locum.codes.entity import EntityForm
    from locum.schema.table import Schema


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A generator that has learned a table.

    Attributes
    ----------
    name
        Name of the generator.
    encoder
        How values become codes; knows the schema.
    model
        The generator of codes. Rows drawn from it break the rules of the schema: `locum.control.sample`
        is the way to rows.
    n_rows
        Number of rows that it learned from; under a guarantee not the exact one.
    entity
        What is known of the persons behind the rows; None where each row is somebody else's.
    found_keys
        Rules ``unique(...)`` that were found in the rows, and that nobody declared; see `Drawer.found_keys`.
    """

    name: str
    encoder: Encoder
    model: Model
    n_rows: int
    entity: EntityForm | None = None
    found_keys: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        """What the columns are."""
        return self.encoder.schema
