"""What is released of a folder of private texts: the texts, the model of their attributes, and a card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.files import atomic
from locum.report.words import harmless
from locum.runs.files import CARD, MODEL, TEXTS
from locum.runs.guarantee import guarantee_of
from locum.schema.lineage import lineage_from_json
from locum.wording import count

_ROUTES = {
    "evolve": "Candidates made of public words were kept or dropped by noisy votes of the private texts.",
    "resample": "Texts of a public pool were drawn by a noisy histogram of the private texts.",
    "attributes": "Attributes of the private texts were counted under noise, and texts were written from "
    "drawn attributes.",
    "predict": "Experimental: tokens of a public model were moved a little by batches of private texts.",
}


def with_current_lineage(document: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The document with its texts under the guarantee as it stands now."""
    lineage = lineage_from_json(document["lineage"], where).under(guarantee_of(document))
    return {**document, "lineage": lineage.to_json()}


def release_texts(
    run: Path, out: Path, document: Mapping[str, Any], created: str, stated: Mapping[str, str]
) -> dict[str, str]:
    """Write what may leave of a folder of texts into a bundle; returns the files and what each is.

    Raises
    ------
    UsageError
        When there is neither a text nor a model.
    FileFormatError
        When the model is broken.
    """
    from locum.synthesizer.table import Synthesizer

    found: dict[str, str] = {}
    if (run / TEXTS).is_file():
        found[TEXTS] = "the synthetic texts"
    if (run / MODEL).is_file():
        found[MODEL] = "the generator of their attributes, to draw more from"
    if not found:
        raise UsageError("there is nothing to release", where=str(run), expected=f"{TEXTS} or {MODEL}")
    out.mkdir(parents=True, exist_ok=True)
    if TEXTS in found:
        with atomic.replacing(out / TEXTS) as path:
            shutil.copyfile(run / TEXTS, path)
    if MODEL in found:
        Synthesizer.load(run / MODEL).promise(guarantee_of(document)).save(out / MODEL)
    texts = _lines(out / TEXTS) if TEXTS in found else 0
    atomic.write_text(out / CARD, _card(document, created, texts, stated))
    return {**found, CARD: "a data card"}


def _card(document: Mapping[str, Any], created: str, texts: int, stated: Mapping[str, str]) -> str:
    """A data card, whose head carries the stamp of the texts."""
    lineage = lineage_from_json(document["lineage"], CARD)
    name = _plain(document["data"])
    head = [
        "---",
        f"pretty_name: {json.dumps(f'{name} (synthetic)', ensure_ascii=False)}",
        'license: "unknown"',
        "tags:",
        "- synthetic",
        "- text",
        "- locum",
        *(
            ["configs:", "- config_name: default", "  data_files:", f"  - {json.dumps(TEXTS)}"]
            if texts
            else []
        ),
        f"locum_lineage: {json.dumps(lineage.to_json(), sort_keys=True)}",
        "---",
    ]
    parts = [
        "\n".join(head),
        f"# {name}: synthetic texts",
        f"{count(texts, 'synthetic text')}, made {created} by locum. {_ROUTES[document['route']]} "
        f"Lineage: {lineage}.",
        f"**Differential privacy.** {_plain(document['statement'])}",
        f"What this run alone did: {_plain(document['account'])}",
        *(
            f"## {name.capitalize()}\n\n{_plain(stated[name])}"
            for name in ("purpose", "contact")
            if stated.get(name)
        ),
        "## Not for\n\n- Decisions about persons.\n- Looking for the words of real persons.",
    ]
    return "\n\n".join(parts) + "\n"


def _lines(path: Path) -> int:
    with path.open("rb") as handle:
        return sum(1 for _ in handle)


def _plain(text: object) -> str:
    shown = " ".join(harmless(str(text)).split())
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
