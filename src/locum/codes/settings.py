"""How finely a table is coded; the defaults suit the tree model, `coarse` suits counting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from locum.codes.json_fields import JsonFields, Wire
from locum.errors import UsageError


@dataclass(frozen=True, slots=True)
class EncoderSettings(JsonFields):
    """Resolution and protection of an encoder.

    Attributes
    ----------
    rare_rows
        A level seen in fewer rows than this is pooled into ``other`` and never written. Three keeps what one
        person (or one person entered twice) alone has out of the model, and costs little fidelity.
    max_levels
        Most levels that keep a code of their own, the most frequent first; None for no limit.
    max_cells
        Most quantile cells of an ordered column.
    cell_rows
        Fewest rows of a quantile cell (a gap between two atoms may hold fewer); 25 where there are at least
        1,000 rows, so that large tables do not pay for a resolution that they do not need.
    max_codes
        Most codes of an ordered attribute, null aside.
    max_atoms, atom_rows, atom_share
        A value of an ordered column gets a code of its own when it holds `atom_share` of the rows or clearly
        sticks out of its neighbourhood, and has at least `atom_rows` rows (fewer in tables under 50 rows).
    small_support, day_support
        Ordered columns (days) with at most this many distinct values: each value with `atom_rows` rows is an
        atom.
    edge_rows
        The outermost cells end at about this order statistic, so that no single person's extreme is an edge.

    Raises
    ------
    UsageError
        When a setting is below its least sensible value.
    """

    rare_rows: int = 3
    max_levels: int | None = None
    max_cells: int = 512
    cell_rows: int = 16
    max_codes: int = 1024
    max_atoms: int = 384
    atom_rows: int = 5
    atom_share: float = 0.003
    small_support: int = 128
    day_support: int = 400
    edge_rows: int = 5

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = _least(field.name)
            if value is not None and value < least:
                raise UsageError(
                    f"{field.name} {value!r} is too small",
                    where="encoder settings",
                    expected=f"at least {least}",
                )

    @classmethod
    def coarse(cls, codes: int = 64) -> EncoderSettings:
        """Settings with at most `codes` codes an attribute (null aside), for marginals and metrics."""
        few = max(4, codes)
        return cls(
            max_levels=few - 1,
            max_cells=few // 2,
            cell_rows=25,
            max_codes=few,
            max_atoms=max(1, few // 4),
            small_support=few // 2,
            day_support=few // 2,
        )

    @classmethod
    def from_json(cls, wire: Wire) -> EncoderSettings:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name == "atom_share":
                values[field.name] = wire.number(field.name, low=0.0, high=1.0)
            elif field.name == "max_levels" and wire.is_null(field.name):
                values[field.name] = None
            else:
                values[field.name] = wire.integer(field.name, low=_least(field.name), high=2**31)
        return cls(**values)


def _least(name: str) -> int:
    return 4 if name in ("max_codes", "max_levels") else 0 if name == "atom_share" else 1
