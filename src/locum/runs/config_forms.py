"""Sections of ``locum.toml`` about one run, as they are written: data, model, evaluation, release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from locum.schema.toml import StrictForm, Texts, mistake

#: Longest text of a key of [release].
MOST_WORDS = 2_000


class DataForm(StrictForm):
    """``[data.<table>]``: where the rows lie, how they are read, and whose they are."""

    path: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: Texts = ()
    columns: Texts = ()
    header: bool | None = None
    skip_rows: Annotated[int, Field(ge=0)] | None = None
    header_rows: Annotated[int, Field(ge=0, le=2)] | None = None
    units_row: bool | None = None
    footer_rows: Annotated[int, Field(ge=0)] | None = None
    sheet: str | None = None
    unit: str | None = None
    per_unit: Annotated[int, Field(ge=1)] | None = None
    one_row_per_person: bool = False
    entity: str | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> DataForm:
        if self.unit is not None and self.one_row_per_person:
            raise mistake(
                "a unit says that a person may have several rows, one_row_per_person that none has",
                do="keep one of the two",
            )
        if self.per_unit is not None and self.unit is None:
            raise mistake("per_unit means nothing without a unit", do='add unit = "COLUMN", or remove it')
        if len(set(self.columns)) < len(self.columns) or not all(n.strip() for n in self.columns):
            raise mistake(
                "the columns have an empty name, or one twice", "different names in the order of the data"
            )
        return self


#: Keys that say where the table lies in its file; options of `locum.data.read`.
AREA = ("skip_rows", "header_rows", "units_row", "footer_rows", "sheet")

_Words = Annotated[str, Field(max_length=MOST_WORDS)]


class ReleaseForm(StrictForm):
    """What a release says about itself; see `locum.runs.release`."""

    controller: _Words = ""
    contact: _Words = ""
    purpose: _Words = ""
    why_epsilon: _Words = ""
    why_unit: _Words = ""
    unit_said: _Words = ""


class ModelForm(StrictForm):
    """``[model]``: which generator makes the rows."""

    name: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    settings: dict[str, bool | int | float | str | list[int | float | str]] = Field(default_factory=dict)


class EvaluateForm(StrictForm):
    """``[evaluate]``: how the result is judged."""

    holdout: Annotated[float, Field(ge=0, lt=1)] | None = None
    target: str | None = None
    protected: Texts = ()
