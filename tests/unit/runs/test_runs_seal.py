"""Whatever breaks in private mode, no word of a row gets into a message, a log or a crash file."""

from __future__ import annotations

import csv
import gzip
import tempfile
import traceback
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from locum.cli import failure
from locum.data.read import read
from locum.errors import DataError, UsageError
from locum.privacy.sealed import last_seal, seal_errors
from locum.runs.access import LedgerAccess
from locum.runs.execute import execute
from locum.runs.prepare import Prepared, prepare
from locum.runs.request import PrivacyRequest, RunRequest
from locum.sources.rows import MemoryRows

SECRET = "Mrs Zoster, room 7"


class Strange(Exception):
    """A class that no list of error classes would hold."""


class Odd(MemoryRows):
    """Rows among which one value breaks whatever looks at it."""

    step: str
    error: Exception

    def _may_break(self, step: str) -> None:
        if step == self.step:
            raise self.error

    def coins(self, *args: Any) -> Any:
        self._may_break("coins")
        return super().coins(*args)

    def only(self, *args: Any) -> Any:
        self._may_break("only")
        return self._odd(super().only(*args))

    def bounded(self, *args: Any) -> Any:
        self._may_break("bounded")
        return self._odd(super().bounded(*args))

    def canonical(self, *args: Any) -> Any:
        self._may_break("canonical")
        return self._odd(super().canonical(*args))

    def coded(self, *args: Any) -> Any:
        self._may_break("coded")
        return super().coded(*args)

    def tallies(self, *args: Any) -> Any:
        self._may_break("tallies")
        return super().tallies(*args)

    def table(self) -> Any:
        self._may_break("table")
        return super().table()

    def _odd(self, rows: MemoryRows) -> Odd:
        return odd(rows, self.step, self.error)


def odd(rows: MemoryRows, step: str, error: Exception) -> Odd:
    found = Odd(rows.rows, rows.name, rows.backend)
    object.__setattr__(found, "step", step)
    object.__setattr__(found, "error", error)
    return found


def prepared(folder: Path, step: str, error: Exception) -> Prepared:
    rows = pa.table({"age": [20 + i % 50 for i in range(600)], "ward": ["A", "B"] * 299 + ["A", SECRET]})
    request = RunRequest(
        data=rows,
        out=folder / "run",
        synthesizer="independent",
        privacy=PrivacyRequest("8", "1e-6", columns=("age", "ward"), discover=True),
    )
    found = prepare(request)
    assert isinstance(found.access, LedgerAccess)
    broken = odd(MemoryRows.of_raw(read(rows)), step, error)
    return replace(found, access=replace(found.access, rows=broken))


@pytest.mark.parametrize("step", ["coins", "only", "bounded", "canonical", "coded", "tallies", "table"])
@pytest.mark.parametrize(
    "error",
    [
        Strange(SECRET), csv.Error(SECRET), zlib.error(SECRET), AssertionError(SECRET),
        EOFError(SECRET), KeyError(SECRET), OSError(5, SECRET), DataError("bad", examples=[SECRET]),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_an_error_of_any_class_at_any_step_is_sealed(tmp_path, capsys, monkeypatch, step, error):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DataError) as caught:
        execute(prepared(tmp_path, step, error))
    # what the crash handler and Python itself would print of it
    told = "".join(traceback.format_exception(caught.value)) + caught.value.message
    failure.tell(caught.value, as_json=True)
    failure.tell_crash(caught.value, as_json=False, debug=False)
    printed = capsys.readouterr()
    assert "Zoster" not in told + printed.out + printed.err
    assert type(error).__name__ in caught.value.message
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"Zoster" not in path.read_bytes(), path.name


def asked(path: Path) -> RunRequest:
    return RunRequest(data=path, privacy=PrivacyRequest("1", discover=True))


@pytest.mark.parametrize("line", [f"{SECRET},3", f'"{SECRET},3', f"{SECRET},\xff\xfe"])
def test_a_line_that_cannot_be_read_stops_nothing(tmp_path, line):
    """It is a row without values: that a file was refused would tell of the line."""
    path = tmp_path / "data.csv"
    path.write_bytes(f"a,b\n1,2\n{line}\n5,6\n".encode("latin-1"))
    found = prepare(asked(path)).access
    assert isinstance(found, LedgerAccess)
    assert found.rows.table().to_pylist()[1] == {"a": None, "b": None}
    assert found.rows.n_rows == 3


def test_an_unreadable_file_is_told_without_its_words(tmp_path):
    """A packed file that is cut off in the middle of its rows."""
    path = tmp_path / "data.csv.gz"
    whole = gzip.compress(("a,b\n" + f'1,"{SECRET}"\n' * 20_000).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError) as caught:
        prepare(asked(path))
    assert "EOFError" in caught.value.message
    assert "Zoster" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("first", [f'"{SECRET}",7', f'"{SECRET}",x'])
def test_a_first_line_that_is_a_row_is_refused_without_a_word_of_it(tmp_path, first):
    path = tmp_path / "data.csv"
    path.write_text(f'{first}\n"{SECRET}",8\n')
    with pytest.raises(DataError, match=r"of the 2 fields|its 2 fields") as caught:
        prepare(asked(path))
    assert "Zoster" not in "".join(traceback.format_exception(caught.value)) + caught.value.message


def test_what_is_public_passes_the_seals():
    for seal in (seal_errors, last_seal):
        with pytest.raises(UsageError, match="no column"), seal("x"):
            raise UsageError("there is no column 'b'")
        with pytest.raises(MemoryError), seal("x"):
            raise MemoryError
        with pytest.raises(KeyboardInterrupt), seal("x"):
            raise KeyboardInterrupt
    with pytest.raises(OSError, match="No space"), last_seal("x"):
        raise OSError(28, "No space left on device")
