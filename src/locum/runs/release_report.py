"""What a release says: its quality by noisy counts, its card, and its description for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.data.private_table import open_private
from locum.evaluation.evidence import RunContext
from locum.evaluation.noisy import DPQuality, NoisyTable, assess
from locum.files import atomic
from locum.files.json import load
from locum.runs.files import CARD, COUNTS, MEASURED, QUALITY, QUALITY_JSON
from locum.runs.private_rows import choose_engine, open_rows
from locum.runs.versions import versions

if TYPE_CHECKING:
    from locum.synthesizer.table import Synthesizer


def assess_release(run: Path, synthetic: Path, synth: Synthesizer, document: Mapping[str, Any]) -> DPQuality:
    """Noisy counts against those of the synthetic rows as they were written."""
    from locum.files.tensors import load_tensors

    head = load((run / MEASURED).read_bytes(), MEASURED)
    tensors = load_tensors((run / COUNTS).read_bytes(), COUNTS)
    made = open_rows(open_private(synthetic, synth.schema.names), choose_engine(synthetic))
    made = made.canonical(synth.schema)
    encoder = synth.encoder
    source = made.coded(encoder.domain, lambda table: encoder.encode(table).codes)
    cliques = [tuple(m["clique"]) for m in head]
    counted = source.marginals(cliques)
    tables = [
        NoisyTable(c, np.asarray(tensors[str(i)]), float(head[i]["sigma"]), counted[i])
        for i, c in enumerate(cliques)
        if c
    ]
    rows = document["rows"]
    return assess(tables, rows=max(1.0, float(rows["noisy"])), rows_sigma=float(rows["sigma"]))


def write_reports(
    out: Path,
    synthetic: str,
    synth: Synthesizer,
    document: Mapping[str, Any],
    quality: DPQuality,
    created: str,
    plan: Mapping[str, Any],
    stated: Mapping[str, str],
) -> int:
    """Card and quality report; returns the number of synthetic rows."""
    from locum.report.card import render_card
    from locum.report.release import render

    rows = int(plan["rows"]) or max(1, int(document["rows"]["noisy"]))
    schema = synth.schema
    context = RunContext(
        title=schema.name,
        created=created,
        synthesizer=str(document["synthesizer"]["name"]),
        versions=versions(),
        guarantee=document["statement"],
        lineage=synth.lineage,
    )
    target = (plan.get("privacy") or {}).get("target")
    shown = replace(schema, target=target) if target in schema.names else schema
    atomic.write_text(
        out / CARD,
        render_card(
            shown,
            context,
            rows=rows,
            files=(synthetic,),
            guarantee=document["statement"],
            purpose=stated.get("purpose", ""),
            contact=stated.get("contact", ""),
        ),
    )
    text = json.dumps(quality.to_json(), indent=1, ensure_ascii=True, allow_nan=False)
    atomic.write_text(out / QUALITY_JSON, text + "\n")
    page = render(quality, title=schema.name, guarantee=document["statement"], created=created)
    atomic.write_text(out / QUALITY, page)
    return rows


def describe_release(
    synth: Synthesizer,
    document: Mapping[str, Any],
    files: Mapping[str, Path],
    synthetic: str,
    rows: int,
    created: str,
) -> str:
    """The release for machines, as Croissant."""
    from locum.report.croissant import croissant

    described = croissant(
        synth.schema,
        title=f"{synth.schema.name} (synthetic)",
        description=f"{rows:,} synthetic rows, drawn from a model with {document['statement']}",
        created=created,
        data=synthetic,
        files={name: atomic.file_sha256(path) for name, path in files.items()},
        privacy=str(document["statement"]),
    )
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"
