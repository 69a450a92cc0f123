"""What a user meets who names columns to fill, or whose column has a value far out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import locum


def test_columns_that_were_not_named_stay_as_they_are() -> None:
    """Also where a rule that is found would give their cells: b is twice a."""
    whole = np.arange(100.0)
    frame = pd.DataFrame({"a": whole, "b": 2 * whole})
    frame.loc[3, "a"] = frame.loc[7, "b"] = None
    assert locum.impute(frame, columns=["a"]).isna().sum().to_dict() == {"a": 0, "b": 1}
    assert locum.impute(frame).isna().sum().sum() == 0


@pytest.mark.parametrize("far", [1e3, 1e6, 1e12])
def test_one_value_far_out_does_not_decide_all_others(far: float) -> None:
    """200 rows of v = 2x + noise, 50 missing, one spoiled: without it the correlation is .97 to .99."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    truth = 2 * x + 0.4 * rng.normal(size=200)
    frame = pd.DataFrame({"x": x.round(4), "v": truth.round(4)})
    gaps = rng.permutation(np.arange(1, 200))[:50]
    frame.loc[gaps, "v"], frame.loc[0, "v"] = None, far
    filled = locum.impute(frame, seed=1)["v"].to_numpy()[gaps]
    assert np.corrcoef(filled, x[gaps])[0, 1] > 0.9
    assert filled.max() < 10
