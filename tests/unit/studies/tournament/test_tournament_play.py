"""Hide and seek: a copy is found, an honest generator is not, and nobody wins by luck or by an open door."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

import locum
from locum.cli.main import main
from locum.errors import DataError, UsageError
from locum.studies.tournament.result import Bout, Hiding, Tournament
from locum.studies.tournament.windows import windows


def people(seed: int, n: int = 900) -> pa.Table:
    rng = np.random.default_rng(seed)
    x, y, z = rng.normal(0, 1, (3, n)).round(4)
    w = (x + y + rng.normal(0, 0.3, n)).round(4)
    c = np.where(rng.random(n) < 1 / (1 + np.exp(-3 * (x - z))), "yes", "no")
    return pa.table({"x": x, "y": y, "z": z, "w": w, "c": c.tolist()})


def stock(seed: int, days: int = 4_000) -> pa.Table:
    """Shaped like public stock data: prices that drift, and a volume that follows their moves."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0002, 0.01, days)
    close = 100 * np.exp(np.cumsum(moves - moves.mean()))
    opened = close * np.exp(rng.normal(0, 0.003, days))
    volume = 1e6 * np.exp(20 * np.abs(moves) + rng.normal(0, 0.2, days))
    return pa.table({"open": opened.round(3), "volume": volume.round(0), "close": close.round(3)})


def copies(train, out, rows, seed):
    """A hider that hands out its members."""
    csv.write_csv(csv.read_csv(train), out)


def honest(train, out, rows, seed):
    """A hider that does not look at its members: it knows how such rows come about."""
    csv.write_csv(people(10_000 + seed, rows), out)


def wrong_shape(known, rows):
    return np.zeros(3)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return locum.tournament(
        people(1),
        {"copies": copies, "honest": honest},
        {"nearest": "nearest", "neighbours": "neighbours", "counts": "counts", "trees": "trees",
         "linear": "linear", "broken": wrong_shape},
        target="c",
        seeds=2,
        out=tmp_path_factory.mktemp("tournament") / "out",
    )  # fmt: skip


def test_the_copy_is_found_and_the_honest_one_wins(found):
    board = {h.name: h for h in found.hider_board()}
    assert found.hider_board()[0].name == "honest"
    assert board["copies"].worst_area > 0.99
    assert board["copies"].found > 0.9
    assert 0.45 < board["honest"].worst_area < 0.58
    assert board["honest"].passed == 2
    assert board["independent"].passed == 0
    assert found.warnings() == ()


def test_seekers_are_ranked_and_guessing_is_chance(found):
    board = {s.name: s for s in found.seeker_board()}
    assert 0.45 < board["guess"].area < 0.55
    assert board["nearest"].area > 0.7
    assert board["linear"].area < board["trees"].area
    assert board["broken"].area is None
    assert all("shape" in b.reason for b in found.bouts if b.seeker == "broken")


def test_accuracy_and_rates_agree_with_the_area_of_a_copy(found):
    bout = next(b for b in found.bouts if (b.hider, b.seeker) == ("copies", "nearest"))
    assert bout.rows == 360
    assert bout.accuracy > 0.98
    assert bout.found["0.01"] <= bout.found["0.1"]


def test_boards_by_hand():
    hidings = (Hiding("a", 0, "ok", "", 0.9, 0.8, 1.0, True), Hiding("b", 0, "ok", "", 0.5, 0.4, 0.6, False))
    rates = {"0.001": 0.0, "0.01": 0.02, "0.1": 0.1}
    bouts = (
        Bout("a", "s", 0, 9, 0.7, 0.6, 0.8, 0.65, rates),
        Bout("a", "t", 0, 9, 0.6, 0.5, 0.7, 0.55, rates),
        Bout("b", "s", 0, 9, 0.5, 0.4, 0.6, 0.5, rates),
    )
    made = Tournament("x", 9, (0,), 0.85, {"b": "", "a": ""}, {"t": "", "s": ""}, hidings, bouts, ())
    first, second = made.hider_board()
    # b hides better, but its rows are of no use.
    assert (first.name, first.worst_area, first.worst_seeker) == ("a", 0.7, "s")
    assert first.mean_accuracy == pytest.approx(0.6)
    assert second.name == "b"
    assert [(s.name, s.area) for s in made.seeker_board()] == [("s", 0.7), ("t", 0.6)]


def test_windows_by_hand():
    table = pa.table({"id": ["a"] * 5 + ["b"] * 4, "v": range(9)})
    cut = windows(table, 2, by="id")
    assert cut.to_pydict() == {"v@0": [0, 2, 5, 7], "v@1": [1, 3, 6, 8]}
    assert windows(table.select(["v"]), 4, stride=2).column("v@0").to_pylist() == [0, 2, 4]
    with pytest.raises(DataError, match="no series"):
        windows(table, 6, by="id")
    with pytest.raises(UsageError):
        windows(table, 1)
    with pytest.raises(UsageError):
        windows(table, 2, by="nobody")


def test_series_at_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    csv.write_csv(stock(1), tmp_path / "stock.csv")
    call = ["tournament", "stock.csv", "--window", "5", "--hide", "fast=tree-fast", "--seek", "nearest"]
    assert main([*call, "--seek", "counts", "--seeds", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 320
    board = {h["name"]: h for h in told["hider_board"]}
    assert board["bootstrap"]["worst_area"] > 0.7
    assert board["fast"]["useful"] is not None
    page = (tmp_path / "locum-tournament" / "tournament.html").read_text()
    assert "<script" not in page and "stock" in page


def test_bad_calls(tmp_path):
    with pytest.raises(UsageError, match="no seeker"):
        locum.tournament(people(1, 100), ["tree"], ["nearset"])
    with pytest.raises(UsageError, match="two seekers"):
        locum.tournament(people(1, 100), ["tree"], ["nearest", "nearest"])
    with pytest.raises(UsageError, match="gate"):
        locum.tournament(people(1, 100), ["tree"], gate=2.0)
    with pytest.raises(UsageError, match="needs --window"):
        locum.tournament(people(1, 100), ["tree"], by="c")
    with pytest.raises(DataError, match="too few"):
        locum.tournament(people(1, 30), {"copies": copies}, seeds=1)


def test_one_unlucky_split_is_not_taken_for_halves_that_differ():
    """All hiders of a seed share one guess: it counts once, and two seeds of three have to be off."""

    def told(off: int) -> tuple[str, ...]:
        bouts = tuple(
            Bout(hider, "guess", seed, 9, 0.5, 0.51 if seed < off else 0.4, 0.6, found={"0.01": 0.01})
            for hider in ("a", "b", "c", "d")
            for seed in range(3)
        )
        hiders = dict.fromkeys("abcd", "")
        return Tournament("x", 9, (0, 1, 2), 0.85, hiders, {"guess": ""}, (), bouts, ()).warnings()

    assert told(0) == told(1) == ()
    assert "Guessing" in told(2)[0]
