"""Who is measured: the peers, locum itself, and the controls that show what the judge can see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Peer:
    """A generator that runs as a process of its own.

    Attributes
    ----------
    name
        As in results and on the command line.
    environment
        Folder under ``.peers`` with its Python; "" means the Python that runs the benchmark.
    script
        File in ``benchmarks/peers``, called with ``TRAIN.csv OUT.csv ROWS SEED``.
    variant
        Handed to the script as ``$LOCUM_BENCH_VARIANT``.
    adult_cpu_s
        CPU seconds it took on Adult, to say beforehand how long a run takes; a guess where it never ended.
    note
        What a reader of the table should know.
    """

    name: str
    environment: str
    script: str
    variant: str
    adult_cpu_s: float
    note: str


_PEERS = (
    Peer("locum", "", "locum_cli.py", "tree", 12, "`locum fit` and `locum sample`, defaults"),
    Peer("locum-target", "", "locum_cli.py", "tree+target", 14, "the same, told which column is the target"),
    Peer("locum-fast", "", "locum_cli.py", "tree-fast", 4, "the same with `--synthesizer tree-fast`"),
    Peer("cart", "", "cart.py", "", 12, "trees in column order, values of real leaves of 5 rows (CART)"),
    Peer("copula", "", "copula.py", "", 4, "Gaussian copula on ranks"),
    Peer("sdv_gc", "sdv", "sdv_any.py", "gc", 18, "SDV GaussianCopula, defaults"),
    Peer("sdv_tvae", "sdv", "sdv_any.py", "tvae", 190, "SDV TVAE, 100 epochs (default 300)"),
    Peer("sdv_ctgan", "sdv", "sdv_any.py", "ctgan", 185, "SDV CTGAN, 25 epochs (default 300)"),
    Peer("mostlyai", "mostlyai", "mostlyai_argn.py", "", 290, "MOSTLY AI TabularARGN, defaults"),
    Peer(
        "synthcity_arf",
        "synthcity",
        "synthcity_any.py",
        "arf",
        900,
        "adversarial forest, defaults; gaps filled",
    ),
    Peer(
        "synthcity_bn",
        "synthcity",
        "synthcity_any.py",
        "bayesian_network",
        300,
        "Bayesian network, defaults; gaps filled",
    ),
    Peer("smartnoise_mst", "smartnoise", "smartnoise_mst.py", "", 200, "MST with epsilon 3; gaps filled"),
)
PEERS: Mapping[str, Peer] = MappingProxyType({peer.name: peer for peer in _PEERS})

#: Made in the benchmark itself, from real rows; they tell how to read the columns of the results.
CONTROLS: Mapping[str, str] = MappingProxyType(
    {
        "copy": "the training rows themselves: perfect looks, every row copied",
        "fresh": "real rows that were held out, judged against the other half of the hold-out: the ideal",
        "independent": "every column shuffled on its own: right columns, no relations",
    }
)
EVERYBODY = (*CONTROLS, *PEERS)
