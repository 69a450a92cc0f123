"""Files of SPSS, Stata and SAS: columns as texts, value labels in place of their codes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locum.data.cell_texts import cell_text
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

#: Endings of such files, and the function of pyreadstat that reads each.
STATISTICS_FILES: Mapping[str, str] = {
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".por": "read_por",
    ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}


def read_statistics_file(data: bytes, suffix: str, where: str) -> tuple[pa.Table, tuple[str, ...]]:
    """A file of SPSS, Stata or SAS as a table of texts, with notes.

    Where every value of a column has a label the labels are taken; else the codes stay.

    Raises
    ------
    UsageError
        When the library that reads such files is not installed.
    DataError
        When the file is broken or has no rows.
    """
    import pyarrow as pa

    try:
        import pyreadstat
    except ImportError as error:
        raise UsageError(
            "files of SPSS, Stata and SAS are read by pyreadstat, which is not installed",
            where=where,
            do="install it with: pip install 'locum[statistics]', or save the table as CSV",
        ) from error
    try:
        held, meta = getattr(pyreadstat, STATISTICS_FILES[suffix])(io.BytesIO(data), output_format="dict")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OSError, ValueError) as error:
        raise DataError(
            f"the file is no readable {suffix} file", where=where, do="save it anew, or save it as CSV"
        ) from error
    labelled, columns = [], {}
    for name, values in held.items():
        texts = [cell_text(_scalar(value)) for value in values]
        texts = [None if text is None or not text.strip() else text for text in texts]
        labels = {
            cell_text(code): str(label) for code, label in meta.variable_value_labels.get(name, {}).items()
        }
        if labels and all(text is None or text in labels for text in texts):
            texts = [None if text is None else labels[text] for text in texts]
            labelled.append(name)
        columns[name] = pa.array(texts, pa.string())
    notes = ["Rows are written as CSV unless another format is asked for."]
    if labelled:
        notes.insert(0, f"Codes were replaced by their labels in {_listed(labelled)}.")
    return pa.table(columns), tuple(notes)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _scalar(value: Any) -> Any:
    """A NumPy scalar as a value of Python."""
    return value.item() if hasattr(value, "item") and not hasattr(value, "year") else value
