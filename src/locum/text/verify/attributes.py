"""Whether a text has the attributes that its row asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from locum.text.failures import PlanError
from locum.text.private.attributes import Asked, Given, TextAttribute, check
from locum.text.private.read_attributes import attributes_from
from locum.text.verify.base import Verdict


@dataclass(frozen=True)
class HasAttributes:
    """Passes a text that has the attributes of its row, read in the same way as those of real texts.

    Attributes
    ----------
    attributes
        Declarations by name, as in a file of attributes; the row has a column of each name. Those that cannot
        be read from a text without a model or a table are passed over.
    least
        Least share of them that must agree, from 0 to 1.
    """

    attributes: dict[str, dict[str, Any]]
    least: float = 1.0
    _found: tuple[TextAttribute, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = attributes_from({"attributes": self.attributes})
        check(found)
        readable = tuple(a for a in found if not isinstance(a, Asked | Given))
        if not readable:
            raise PlanError("no attribute can be read from a text", where="attributes")
        object.__setattr__(self, "_found", readable)

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        wanted = [a for a in self._found if a.name in row]
        wrong = [a.name for a in wanted if a.read([str(item)], [{}])[0] != str(row[a.name])]
        ok = len(wanted) - len(wrong) >= self.least * len(wanted)
        return Verdict(ok, "" if ok else f"differs in {', '.join(wrong[:4])}")
