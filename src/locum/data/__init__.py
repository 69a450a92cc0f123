"""The boundary: tables in, a proposed schema, canonical tables, and the user's own kind of table out again.

The functions share their names with the modules they live in, so they are bound here at once; the heavy
libraries behind them are imported when they are called.
"""

from __future__ import annotations

from locum.data.canonical import canonical
from locum.data.demo import DemoInfo, demo_info, demo_path
from locum.data.detect import detect, propose
from locum.data.origin import Dialect, Held, Origin, Raw, origin_from_json
from locum.data.proposal import Detection, Proposal
from locum.data.read import read
from locum.data.restore import restore
from locum.data.write import write

__all__ = [
    "DemoInfo",
    "Detection",
    "Dialect",
    "Held",
    "Origin",
    "Proposal",
    "Raw",
    "canonical",
    "demo_info",
    "demo_path",
    "detect",
    "origin_from_json",
    "propose",
    "read",
    "restore",
    "write",
]
