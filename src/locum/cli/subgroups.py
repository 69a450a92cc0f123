"""``locum subgroups``: a model on thin groups and shifted populations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import argument, option
from locum.runs.options import DEFAULT_SEED, FAST_SYNTHESIZER


def subgroups(
    model: Annotated[
        str,
        argument(
            "Rows for boosted trees to learn from (a file, a run folder, a .locum file), or "
            "module:function that predicts.",
            "MODEL",
        ),
    ],
    test: Annotated[Path, option("--test", "Real rows that the model has not seen.", "C")],
    target: options.Target = None,
    by: options.By = None,
    shift: options.Shift = None,
    generators: Annotated[
        int, option("--generators", "How many generators learn the test rows.", "K", show_default=True)
    ] = 8,
    rows: Annotated[int, option("--rows", "Rows that each draws.", "N", show_default=True)] = 20_000,
    synthesizer: Annotated[
        str, option("--synthesizer", "What kind of generator they are.", "NAME", show_default=True)
    ] = FAST_SYNTHESIZER,
    seed: options.Seed = None,
    out: Annotated[Path | None, option("--out", "Folder for page and numbers.", "DIR")] = None,
    as_json: options.Json = False,
) -> None:
    """Test a model on groups with few test rows, by real and by generated rows.

    Each figure comes with the interval of either, and which of the two to go by (3S, NeurIPS 2023).
    """
    from locum.cli.progress import Display
    from locum.cli.show import show_subgroups
    from locum.studies.subgroups.verb import subgroups as work

    with Display() as display:
        found = work(
            model,
            test,
            by=tuple(by or ()),
            target=target,
            shift=tuple(shift or ()),
            generators=generators,
            rows=rows,
            synthesizer=synthesizer,
            seed=seed or DEFAULT_SEED,
            out=out,
            progress=display,
        )
    show_subgroups(found, out, as_json=as_json)
