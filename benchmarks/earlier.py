"""Rows of an earlier page of results, kept so that dear peers need not be measured every time.

    python -m benchmarks.earlier PAGE.md --machine "2 cores, no GPU"

Reads a page that `benchmarks.run` wrote (an old ``RESULTS.md`` from the project's history) and keeps the rows
of its peers, as printed, in ``benchmarks/earlier.jsonl``. The page of a later run shows them, marked with
their date, where that run has no row of its own for the same table and the same peer.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import Record
from benchmarks.roster import PEERS

KEPT = Path(__file__).resolve().parent / "earlier.jsonl"
#: Columns of a page from the one of CPU seconds on; "stages" and "copies" are taken apart.
COLUMNS = (
    "cpu_s", "stages", "wall_s", "rss_mb", "c2st", "tstr", "tv1", "tv2", "tv3", "membership", "nearer_train",
    "copies",
)  # fmt: skip
_HEAD = re.compile(r"## (\w+): ([\d,]+) training rows, (\d+) columns")
_DATE = re.compile(r"^Made by .*, (\d{4}-\d\d-\d\d)(?: to (\d{4}-\d\d-\d\d))?, Python", re.MULTILINE)


def rows(text: str, machine: str) -> Iterator[Record]:
    """The peers' rows of a page as records; locum's own are left out, since it can be measured anew.

    Raises
    ------
    ValueError
        When the text is not a page of results.
    """
    date = _DATE.search(text)
    if date is None:
        raise ValueError("this is not a page of results: nothing says when it was made")
    notes = dict(re.findall(r"^- (\w+): .*; (.*)$", text, re.MULTILINE))
    head: Record = {}
    for line in text.splitlines():
        if found := _HEAD.match(line):
            name, n, columns = found.groups()
            head = {"table": name, "rows_train": int(n.replace(",", "")), "columns": int(columns)}
        elif line.startswith("## "):
            head = {}
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (
            not head
            or len(cells) != len(COLUMNS) + 2
            or cells[0] not in PEERS
            or not PEERS[cells[0]].environment
        ):
            continue
        record = head | {"who": cells[0], "seed": 0, "seeds": int(cells[1]), "status": "ok"}
        record |= {
            "date": date.group(2) or date.group(1),
            "machine": machine,
            "made_with": notes.get(cells[0], ""),
        }
        record |= {
            name: float(cell) for name, cell in zip(COLUMNS, cells[2:], strict=True) if "/" not in cell
        }
        fit, sample = cells[3].split("/")
        record |= {"stages": {"fit": float(fit), "sample": float(sample)}, "copies": record["copies"] / 100}
        yield record


def kept() -> list[Record]:
    """The records that were kept; none when there is no file."""
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]


def main(arguments: list[str] | None = None) -> None:
    """Replace the kept rows by those of a page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.earlier")
    parser.add_argument("page", type=Path)
    parser.add_argument("--machine", required=True, help="what it was measured on, in a few words")
    chosen = parser.parse_args(arguments)
    found = list(rows(chosen.page.read_text(encoding="utf-8"), chosen.machine))
    KEPT.write_text("".join(json.dumps(r, sort_keys=True) + "\n" for r in found), encoding="utf-8")
    print(f"{len(found)} rows kept in {KEPT.name}")


if __name__ == "__main__":
    main()
