"""The page of results, ``benchmarks/RESULTS.md``, made of the records and nothing else."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import earlier, growth, results, tables
from benchmarks.results import Record, mean, shown, stage
from benchmarks.roster import CONTROLS, EVERYBODY, PEERS

PAGE = Path(__file__).resolve().parent / "RESULTS.md"

INTRODUCTION = """\
Means over seeds; definitions in `benchmarks/evaluator.py` and `benchmarks/nearest.py`. C2ST, membership,
nearer train: 0.5 is best. TSTR: higher is better. tv: near its floor is best, well below it is memorising.
CPU-s: user and system time of the whole process, imports included. Clock time depends on what else the
machine did. MB: the largest process. Peers are told which columns are labels; locum finds out by itself."""

HEAD = (
    "who", "seeds", "CPU-s", "fit / sample", "clock s", "MB", "C2ST", "TSTR", "tv1", "tv2", "tv3",
    "membership", "nearer train", "copies %",
)  # fmt: skip
#: Measures in the order of the columns from C2ST on, with the digits that are shown.
MEASURES = (
    ("c2st", 3), ("tstr", 4), ("tv1", 4), ("tv2", 4), ("tv3", 4), ("membership", 3), ("nearer_train", 3),
)  # fmt: skip
#: Marks rows of an earlier page.
EARLIER = "†"
GROWTH_HEAD = (
    "table", "rows", "columns", "who", "CPU-s", "fit", "sample", "rows a CPU-s", "MB", "tv3 (floor)", "C2ST",
)  # fmt: skip


def write(folder: Path, to: Path | None, command: str) -> None:
    """Print the page, and write it unless `to` is None."""
    records = [record for (name, _, _), record in results.load(folder).items() if name not in tables.GROWTH]
    grown = [] if to is None else list(results.load(growth.FOLDER).values())
    made = page(records, grown, command, [] if to is None else earlier.kept())
    if to is not None:
        to.write_text(made, encoding="utf-8")
    print(made)


def page(
    records: Iterable[Record], grown: Sequence[Record], command: str, kept: Sequence[Record] = ()
) -> str:
    """The whole page as Markdown; `kept` are rows of an earlier page, for peers not measured since."""
    by_table: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_table[record["table"]].append(record)
    every = [*(record for rows in by_table.values() for record in rows), *grown]
    dates = sorted({record["date"] for record in every})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "no records"
    lines = [
        "# Side by side",
        "",
        f"Made by `{command}`, {when}, Python {platform.python_version()}, {os.cpu_count()} cores, no GPU.",
        INTRODUCTION,
        "",
    ]
    shown_before: list[Record] = []
    for name in sorted(by_table, key=place):
        mine = sorted(by_table[name], key=lambda r: (EVERYBODY.index(r["who"]), r["seed"]))
        old = [r for r in kept if r["table"] == name and fills_a_gap(r, mine)]
        lines += section(name, mine, old)
        shown_before += old
    lines += origins(shown_before)
    return "\n".join([*lines, *growth_section(grown), *versions(every), ""])


def place(name: str) -> tuple[int, int, str]:
    """Where a table's section stands: whole tables first, then small cuts as listed, then others."""
    for k, names in enumerate((tuple(tables.NAMES), tables.SMALL)):
        if name in names:
            return k, names.index(name), name
    return 2, 0, name


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def fills_a_gap(old: Record, records: Sequence[Record]) -> bool:
    """Whether an earlier row is of the same table and of a peer that has not been measured since."""
    same = all(old[size] == records[0][size] for size in ("rows_train", "columns"))
    return same and not any(r["who"] == old["who"] and r["status"] == "ok" for r in records)


def origins(old: Sequence[Record]) -> list[str]:
    """When and where the earlier rows were measured; nothing when there are none."""
    if not old:
        return []
    when = sorted({f"{record['date']} ({record['machine']})" for record in old})
    made = sorted({f"{record['who']}: {record['made_with']}" for record in old if record["made_with"]})
    told = f"{EARLIER} From an earlier run of this program, as printed then: {', '.join(when)}."
    return [f"{told} {'; '.join(made)}.", ""]


def section(name: str, records: Sequence[Record], old: Sequence[Record] = ()) -> list[str]:
    """One table's part of the page: best C2ST first, then controls, then who is missing and why."""
    good: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record["status"] == "ok":
            good[record["who"]].append(record)
    judged = dict(good) | {record["who"]: [record] for record in old}
    peers = sorted((who for who in judged if who in PEERS), key=lambda who: mean(judged[who], "c2st"))
    order = [*peers, *(who for who in CONTROLS if who in good)]
    first = records[0]
    lines = [f"## {name}: {first['rows_train']:,} training rows, {first['columns']} columns", ""]
    lines += markdown(HEAD, (row(who, judged[who]) for who in order))
    # The hold-out of `fresh` is half as large: it has floors of its own.
    lines += references([record for who in good if who != "fresh" for record in good[who]])
    absent = [record for record in records if record["status"] != "ok" and record["who"] not in judged]
    if absent:
        lines += ["", "Not measured:", ""]
        lines += [f"- {r['who']}, seed {r['seed']}: {r['status']}, {r.get('reason', '')}" for r in absent]
    return [*lines, ""]


def row(who: str, records: Sequence[Record]) -> list[str]:
    """One generator on one table, mean over seeds."""
    before = f" {EARLIER}" if any("machine" in record for record in records) else ""
    return [
        who + before if who in PEERS else f"*{who}*",
        str(sum(record.get("seeds", 1) for record in records)),
        shown(mean(records, "cpu_s"), 1),
        f"{shown(stage(records, 'fit'), 1)} / {shown(stage(records, 'sample'), 1)}",
        shown(mean(records, "wall_s"), 1),
        shown(mean(records, "rss_mb"), 0),
        *(shown(mean(records, name), digits) for name, digits in MEASURES),
        shown(100 * mean(records, "copies"), 2),
    ]


def references(judged: Sequence[Record]) -> list[str]:
    """What real rows score on the same measures, and the standard errors."""
    if not judged:
        return []
    floors = " / ".join(shown(mean(judged, f"floor{ways}"), 4) for ways in (1, 2, 3))
    errors = (
        f"C2ST {shown(mean(judged, 'c2st_se'), 3)}, membership {shown(mean(judged, 'membership_se'), 3)}, "
        f"nearer train {shown(mean(judged, 'nearer_train_se'), 3)}"
    )
    return [
        "",
        f"Floor of tv1 / tv2 / tv3, which a fresh real sample would score: {floors}.",
        f"Real training rows reach TSTR {shown(mean(judged, 'trtr'), 4)}.",
        f"Of the hold-out rows, {shown(100 * mean(judged, 'copies_holdout'), 2)} % are in training.",
        f"Standard errors: {errors}.",
    ]


def growth_section(records: Sequence[Record]) -> list[str]:
    """The growth part of the page; nothing when nothing has been measured."""
    if not records:
        return []
    order = list(tables.GROWTH)
    ranked = sorted(records, key=lambda r: (order.index(r["table"]), r["who"], r["seed"]))
    lines = [
        "## Growth",
        "",
        "Fit and sample: whole commands, with Python's start, reading and writing.",
        "",
    ]
    return [*lines, *markdown(GROWTH_HEAD, map(growth_row, ranked)), ""]


def growth_row(record: Record) -> list[str]:
    """One measurement of growth."""
    head = [record["table"], f"{record['rows_train']:,}", str(record["columns"]), record["who"]]
    if record["status"] != "ok":
        return [*head, f"{record['status']}: {record.get('reason', '')}", *[""] * (len(GROWTH_HEAD) - 5)]
    fit, sample = stage([record], "fit"), stage([record], "sample")
    return [
        *head,
        shown(record["cpu_s"], 1),
        shown(fit, 1),
        shown(sample, 1),
        f"{record['rows_train'] / max(sample, 1e-9):,.0f}",
        shown(record["rss_mb"], 0),
        f"{shown(record['tv3'], 4)} ({shown(record['floor3'], 4)})",
        shown(record["c2st"], 3),
    ]


def versions(records: Sequence[Record]) -> list[str]:
    """Who was measured, in which version."""
    lines = ["## Who", ""]
    for who, peer in PEERS.items():
        mine = [record for record in records if record["who"] == who and record["status"] == "ok"]
        found = {f"{name} {version}" for r in mine for name, version in r.get("versions", {}).items()}
        found |= {f"commit {record['revision']}" for record in mine if record.get("revision")}
        if found:
            lines.append(f"- {who}: {peer.note}; {', '.join(sorted(found))}")
    return [*lines, *(f"- *{who}*: {note}" for who, note in CONTROLS.items())]
