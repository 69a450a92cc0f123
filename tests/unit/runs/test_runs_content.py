"""What a private run must know before it spends: it stops, names the columns, and foretells rightly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.cli.main import main
from locum.errors import ContentError
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.runs.budget import RESERVE
from locum.runs.content import (
    ContentGap,
    content_gaps,
    counts_besides,
    discovery_price,
    guess_rows,
    refuse_unknown_content,
)
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema
from locum.sources.domain import DISCOVERY, NOTHING_FOUND, PrivateDomain, private_domain
from locum.sources.private import PrivateSource
from locum.sources.rows import MemoryRows
from locum.sources.size import TOTAL_SHARE

WARD = Column("ward", "category", levels=("A", "B"))
AGE = Column("age", "integer", bounds=Bounds(0, 60, "declared"))
PARTLY = Schema((Column("age", "integer"), Column("ward", "category"), Column("day", "date")), name="v")
BUDGET = Budget.approx(1, 1e-6)
ROW = Unit()


def visits(folder: Path, secret: str = "A", n: int = 400) -> Path:
    path = folder / "visits.csv"
    rows = [f"{20 + i % 40},{'AB'[i % 2]},2024-01-{1 + i % 28:02d},{i % 7}" for i in range(n - 1)]
    path.write_text("\n".join(["age,ward,day,beds", *rows, f"33,{secret},2024-01-01,5"]) + "\n")
    return path


def refused(data: object, **options: object) -> ContentError:
    with pytest.raises(ContentError) as caught:
        locum.run(data, epsilon=1, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_run_stops_before_its_ledger_has_an_entry_and_names_the_columns(tmp_path: Path) -> None:
    path, ledger, out = visits(tmp_path), tmp_path / "v.ledger", tmp_path / "run"
    error = refused(path, out=out, ledger=ledger)
    assert error.gaps == ("age", "ward", "day", "beds") and error.exit_code == 2
    assert "of what 4 columns may hold: age (kind, and levels or bounds), ward" in error.message
    assert "nothing was spent" in error.message and "--discover" in error.message
    assert [p.name for p in tmp_path.iterdir()] == ["visits.csv"]


def test_an_old_ledger_is_left_as_it_was(tmp_path: Path) -> None:
    path, ledger = visits(tmp_path), tmp_path / "v.ledger"
    known = Schema((AGE, WARD), name="v")
    options = {"columns": ["age", "ward"], "ledger": ledger, "total_epsilon": 3}
    locum.run(path, tmp_path / "one", epsilon=1, schema=known, synthesizer="independent", **options)
    before = ledger.read_bytes()
    refused(path, out=tmp_path / "two", **options)
    assert ledger.read_bytes() == before and not (tmp_path / "two").exists()


def test_only_what_is_lacking_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    schema = Schema((*PARTLY.columns[:2], Column("beds", "number")), name="v")
    error = refused(
        visits(tmp_path), out=tmp_path / "run", schema=schema, columns=["age", "ward", "day", "beds"]
    )
    assert "age (bounds), ward (levels), day (kind, and levels or bounds), beds (bounds)" in error.message
    one = refused(visits(tmp_path), out=tmp_path / "run", schema=Schema((AGE, Column("ward", "category"))))
    assert one.gaps == ("ward",) and "of what 1 column may hold: ward (levels)" in one.message


def test_no_row_has_a_part_in_the_refusal(tmp_path: Path) -> None:
    told = []
    for secret in ("Q", "Z"):
        told.append(refused(visits(tmp_path, secret), out=tmp_path / "run").message)
    assert told[0] == told[1] and "Q" not in told[0]
    frame = pa.table({"age": [1, 2], "ward": ["Zoster", "A"]})
    error = refused(frame, out=tmp_path / "run", columns=["age", "ward"])
    assert "By its size" not in error.message and "Zoster" not in error.message


def test_with_discover_it_goes_on_and_what_was_not_found_is_said(tmp_path: Path) -> None:
    done = locum.run(
        visits(tmp_path), tmp_path / "run", epsilon=0.1, discover=True, synthesizer="independent", rows=50
    )
    assert any(note.startswith("Left empty") for note in done.notes)


def test_on_the_command_line_it_is_an_error_of_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    visits(tmp_path)
    monkeypatch.chdir(tmp_path)
    for verb in (["run", "visits.csv"], ["fit", "visits.csv", "--model", "m.locum"]):
        assert main([*verb, "--epsilon", "1"]) == 2
        told = capsys.readouterr()
        assert "too little is known of what 4 columns may hold" in told.err and not told.out
    # what a run leaves is a template that names what is missing, with no word of a row
    assert {p.name for p in tmp_path.iterdir()} == {"visits.csv", "locum.toml"}
    template = (tmp_path / "locum.toml").read_text(encoding="utf-8")
    assert "missing" in template and "2024" not in template
    assert main(["run", "visits.csv", "--epsilon", "1"]) == 2
    assert "fill in what" in capsys.readouterr().err


def test_the_template_that_is_left_can_be_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    visits(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "visits.csv", "--epsilon", "1"]) == 2
    path = tmp_path / "locum.toml"
    text = path.read_text(encoding="utf-8")
    for line in [row for row in text.splitlines() if row.startswith("# kind = ...")]:
        text = text.replace(line, 'kind = "text"', 1)
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["run", "visits.csv", "--epsilon", "1", "--synthesizer", "independent"]) == 0


def test_gaps_are_closed_by_a_schema_or_by_a_public_table() -> None:
    known = Schema((AGE, Column("ward", "category"), Column("id", "id"), Column("ok", "boolean")))
    assert content_gaps(["age", "ward", "id", "ok", "new"], known) == (
        ContentGap("ward", "category", "levels"),
        ContentGap("new", None, "kind, and levels or bounds"),
    )
    assert content_gaps(["age", "ward", "id", "ok"], known, {"ward": object()}) == ()
    assert content_gaps(["v"], Schema((Column("v", "date", bounds=Bounds("2020-01-01", None, "declared")),)))
    refuse_unknown_content((), discovery_price((), BUDGET, Unit()), "v")


def test_a_guess_at_the_rows_is_one_of_their_size_to_one_digit(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    for n in (100, 3_000, 40_000):
        path.write_text("a,b\n" + "123456,1234567\n" * n)
        guess = guess_rows(path, 2)
        assert n / 2 <= guess <= 2 * n and len(str(guess).rstrip("0")) == 1


def discovered(
    columns: dict[str, list[str]], schema: Schema | None, epsilon: float, seed: int
) -> PrivateDomain:
    """A discovery as a fit makes it, which has bought the number of rows before; seeded noise."""
    ledger = Ledger.test(Budget.approx(epsilon, 1e-6), seed=seed, reserve=RESERVE)
    held = MemoryRows(pa.table(columns), "v", "csv")
    share = DISCOVERY * (1 - TOTAL_SHARE)
    return private_domain(held, ledger, lambda s: PrivateSource(s, ledger), schema=schema, share=share)[0]


def column_of(n: int, fullest: float = 0.3) -> list[str]:
    """Whole numbers of which the fullest octave holds a share, and ten others equal parts of the rest."""
    rest = int(n * (1 - fullest)) // 10
    values = [str(3 * 2**k) for k in range(4, 14) for _ in range(rest)]
    return values + ["3"] * (n - len(values))


#: Seeded discoveries for each number: a share of them is within .11 of the true chance (three deviations).
SEEDS, TOLERANCE = 200, 0.11


def lost(columns: dict[str, list[str]], schema: Schema | None, name: str) -> float:
    """The share of discoveries in which nothing of a column is found."""
    found = [discovered(columns, schema, 1.0, seed).origins[name] for seed in range(SEEDS)]
    return float(np.mean([origin == NOTHING_FOUND for origin in found]))


@pytest.mark.parametrize("n", [140, 190, 240])
def test_the_foretold_chance_that_a_range_is_not_found_is_what_is_seen(n: int) -> None:
    """The seeds are fixed, so that there is no false alarm; .11 is three deviations of 200 coins."""
    schema = Schema((Column("v", "integer"), WARD), name="v")
    price = discovery_price(content_gaps(["v", "w"][:1], schema), BUDGET, Unit(), rows=n)
    assert price.chance is not None
    assert lost({"v": column_of(n), "ward": ["A"] * n}, schema, "v") == pytest.approx(
        price.chance, abs=TOLERANCE
    )


def test_a_range_is_found_in_nineteen_of_twenty_runs_from_the_foretold_rows_on() -> None:
    """With a wide declared range and a look-up beside it, which take their parts; tolerance as above."""
    towns = Column("town", "category", levels=("U", "V"))
    wide = Column("far", "integer", bounds=Bounds(0, 10**6, "declared"))
    schema = Schema(
        (Column("v", "integer"), WARD, towns, wide), name="v", dependencies=(Dependency("town", "ward"),)
    )
    besides = counts_besides(schema)
    assert besides == 3 + 2
    price = discovery_price(content_gaps(["v"], schema), BUDGET, Unit(), besides=besides)
    alone = discovery_price(content_gaps(["v"], schema), BUDGET, Unit())
    assert alone.range_rows < price.range_rows
    n = price.range_rows
    columns = {"v": column_of(n), "ward": ["A"] * n, "town": ["U"] * n, "far": ["7"] * n}
    assert lost(columns, schema, "v") == pytest.approx(0.05, abs=TOLERANCE / 2)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_a_label_is_published_from_about_the_foretold_rows_on(factor: float) -> None:
    schema = Schema((Column("v", "category"),), name="v")
    price = discovery_price(content_gaps(["v"], schema), BUDGET, Unit())
    n = round(factor * price.level_rows)
    found = [
        "rare"
        in (discovered({"v": ["rare"] * n + ["usual"] * 500}, schema, 1.0, seed).schema["v"].levels or ())
        for seed in range(60)
    ]
    low, high = {0.5: (0.0, 0.1), 1.0: (0.3, 0.8), 1.5: (0.9, 1.0)}[factor]
    assert low <= np.mean(found) <= high


def test_more_gaps_and_larger_units_cost_more_and_an_epsilon_more_costs_less() -> None:
    def rows(gaps: Sequence[str], epsilon: float = 1, unit: Unit = ROW) -> int:
        found = tuple(ContentGap(g, "integer", "bounds") for g in gaps)
        return discovery_price(found, Budget.approx(epsilon, 1e-6), unit).range_rows

    assert rows("a") < rows("ab") < rows("abcdefgh")
    assert rows("a", 4) < rows("a") < rows("a", 1, Unit("who", 3))
