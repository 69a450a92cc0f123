"""The judge of conditional queries: reading BIF, exact inference, and the floor."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from benchmarks.control_networks import Net

BIF = """network unknown {
}
variable rain {
  type discrete [ 2 ] { yes, no };
}
variable sprinkler {
  type discrete [ 2 ] { on, off };
}
variable grass {
  type discrete [ 3 ] { wet, damp, dry };
}
probability ( rain ) {
  table 0.2, 0.8;
}
probability ( sprinkler | rain ) {
  (yes) 0.01, 0.99;
  (no) 0.4, 0.6;
}
probability ( grass | rain, sprinkler ) {
  (yes, on) 0.9, 0.09, 0.01;
  (yes, off) 0.7, 0.2, 0.1;
  (no, on) 0.6, 0.3, 0.1;
  (no, off) 0.0, 0.1, 0.9;
}
"""


def test_inference_is_the_sum_over_all_rows() -> None:
    net = Net(BIF)
    chance = np.zeros((2, 3))
    for r, s, g in itertools.product(range(2), range(2), range(3)):
        chance[r, g] += net.table["rain"][r] * net.table["sprinkler"][r, s] * net.table["grass"][r, s, g]
    got, p = net.exact(["rain"], {"grass": ["wet"]})
    assert p == pytest.approx(chance[:, 0].sum(), abs=1e-12)
    np.testing.assert_allclose(got, chance[:, 0] / chance[:, 0].sum(), atol=1e-12)


def test_the_floor_has_the_true_graph_and_tables_of_the_rows() -> None:
    """Shares of the rows to within half a row of smoothing; the levels are not in order of spelling."""
    net = Net(BIF)
    rows = net.sample(20_000, np.random.default_rng(1))
    known = net.learned(rows)
    assert known.parents == net.parents
    counts = rows.group_by(["rain", "sprinkler", "grass"]).aggregate([([], "count_all")]).to_pylist()
    mine = dict.fromkeys(net.states["grass"], 0)
    for row in counts:
        if row["rain"] == "no" and row["sprinkler"] == "on":
            mine[row["grass"]] = row["count_all"]
    expected = np.array(list(mine.values())) / sum(mine.values())
    np.testing.assert_allclose(known.table["grass"][1, 0], expected, atol=1e-3)
    for name in net.table:
        assert np.abs(known.table[name] - net.table[name]).max() < 0.1
        np.testing.assert_allclose(known.table[name].sum(axis=-1), 1.0)
