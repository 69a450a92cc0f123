"""Recodings out of a model file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from locum.codes.follow import order_of
from locum.codes.json_fields import Wire
from locum.codes.recoding import Recoding
from locum.control.layout.forced import Forced
from locum.control.layout.formula import Formula
from locum.control.layout.gap import OrderGap
from locum.control.layout.joined import Joined
from locum.control.layout.lookup import Lookup
from locum.control.layout.nearest_day import NearestDay
from locum.control.layout.nested import Nested
from locum.control.layout.offset import Offset
from locum.control.layout.residual import Residual
from locum.control.layout.switch import Switch
from locum.errors import FileFormatError, LocumError
from locum.schema.column import Column
from locum.schema.table import Schema


def read_recodings(items: list[Wire], schema: Schema) -> tuple[Recoding, ...]:
    """Read what `Encoder.to_json` wrote of its recodings.

    Raises
    ------
    FileFormatError
        On anything that it cannot have written: unknown forms, rules that are none, circles.
    """
    forms: Mapping[str, Callable[[Wire, Schema], Recoding]] = {
        "formula": Formula.from_json,
        "gap": OrderGap.from_json,
        "joined": Joined.from_json,
        "lookup": Lookup.from_json,
        "nearest day": NearestDay.from_json,
        "nested": Nested.from_json,
        "offset": Offset.from_json,
        "residual": Residual.from_json,
        "switch": Switch.from_json,
    }
    found: list[Recoding] = []
    places: dict[str, Column] = {}
    for item in items:
        form = item.text("form")
        recoding: Recoding
        try:
            if form == "forced":
                recoding = Forced.from_json(item, schema, places.get(item.text("column")))
            elif form in forms:
                recoding = forms[form](item, schema)
            else:
                raise item.fail("form", "a form of recoding that this version knows")
        except LocumError as error:
            raise item.fail("rule", "a recoding of this table") from error
        found.append(recoding)
        if recoding.coded is not None:
            places |= {name: recoding.coded for name in recoding.gives if recoding.coded.name == name}
    _check(found, schema)
    return tuple(found)


def _check(found: list[Recoding], schema: Schema) -> None:
    needs: dict[str, tuple[str, ...]] = {d.dependent: (d.determinant,) for d in schema.dependencies}
    gone: set[str] = set()
    for recoding in found:
        coded = recoding.coded
        for name in recoding.gives:
            needs[name] = (*needs.get(name, ()), *recoding.inputs)
            if name in gone:
                raise FileFormatError("a column is recoded after nothing of it is left", where="encoder")
            if coded is None or coded.name != name:
                gone.add(name)
    try:
        order_of(schema.names, needs)
    except ValueError as error:
        raise FileFormatError("columns follow from each other in a circle", where="encoder") from error
