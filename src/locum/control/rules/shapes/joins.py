"""Texts that are put together from other columns: codes, e-mail addresses, initials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.call import call
from locum.control.where.names import sort_of
from locum.control.where.token import literal, quote

#: Rows on which a text is taken apart, fewest different texts among them, and longest text.
ROWS, LEAST_TEXTS, LONGEST = 40, 3, 120
#: Most columns that are looked at, texts first, and most steps of one search.
MOST_COLUMNS, MOST_STEPS = 100, 4000
#: Signs at which a text is cut, if only a part of it is put together from others.
MARKS = "@-_/.: "
_LEFT = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a column may give to a text: its formula and its value in each row."""

    formula: str
    column: str
    values: tuple[str, ...]


def joins(sheet: Sheet) -> tuple[list[RuleCandidate], int]:
    """Candidates such as ``code = concat(region, '-', number)``, and how many texts were taken apart."""
    texts = [c.name for c in sheet.schema if sort_of(c) in ("label", "made")][:MOST_COLUMNS]
    others = [*texts, *(c.name for c in sheet.schema if c.kind == "integer")][:MOST_COLUMNS]
    found: list[RuleCandidate] = []
    tried = 0
    for name in texts:
        rows = _rows(sheet, name)
        wholes = [str(sheet.levels[name][code]) for code in sheet.codes[name][rows]]
        if len(rows) < LEAST_TEXTS or len(set(wholes)) < LEAST_TEXTS or max(map(len, wholes)) > LONGEST:
            continue
        pieces = [p for other in others if other != name for p in _pieces(sheet, other, rows)]
        for side, cut in _cuts(name, wholes):
            tried += len(pieces)
            parts = _take_apart(cut, pieces)
            if parts is None:
                continue
            sources = tuple(dict.fromkeys(p.column for p in parts if isinstance(p, _Piece)))
            formula = _formula(parts)
            if side == quote(name) and formula == quote(sources[0]):
                break  # A copy is found elsewhere.
            whole = name if side == quote(name) else ""
            if formula == quote(sources[0]) and sort_of(sheet.schema[sources[0]]) == "number":
                # a column that is made afresh must not be what the number is calculated from
                if sort_of(sheet.schema[name]) == "made":
                    formula = f"concat({formula})"
                else:
                    side = f"number({side})"
            found.append(RuleCandidate("text", f"{side} = {formula}", whole, sources))
            break
    # A code is put together from a region and a number, before the region is the code's first letter.
    found.sort(key=lambda c: -len(c.sources))
    return found, tried


def _cuts(name: str, wholes: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The texts, and their parts before and after a sign that all of them hold; each with its formula."""
    yield quote(name), wholes
    for mark in MARKS:
        if all(mark in whole for whole in wholes):
            for side, at in (("before", 0), ("after", 2)):
                part = [whole.partition(mark)[at] for whole in wholes]
                if all(part) and len(set(part)) > 1:
                    yield f"{side}({quote(name)}, {literal(mark)})", part


def _rows(sheet: Sheet, name: str) -> list[int]:
    """Rows with different texts."""
    _, first = np.unique(sheet.codes[name], return_index=True)
    rows = [int(i) for i in np.sort(first) if sheet.codes[name][i] >= 0]
    return rows[:: max(1, len(rows) // ROWS)][:ROWS]


def _pieces(sheet: Sheet, name: str, rows: list[int]) -> Iterator[_Piece]:
    """What a column can give: as it is, in small letters, its first letters, its words."""
    codes = sheet.codes[name][rows]
    if (codes < 0).any():
        return
    plain = [str(sheet.levels[name][code]) for code in codes]
    column = quote(name)
    if all(text.isdigit() for text in plain):
        yield _Piece(column, name, tuple(plain))
        for width in range(2, 11):
            padded = tuple(text.zfill(width) for text in plain)
            if padded != tuple(plain):
                yield _Piece(f"pad({column}, {width})", name, padded)
        return
    bases: dict[tuple[str, ...], str] = {tuple(plain): column}
    if any(" " in text.strip() for text in plain):
        for at in (1, -1):
            bases.setdefault(_done("word", plain, at), f"word({column}, {at})")
    forms: dict[tuple[str, ...], str] = {}
    for values, formula in bases.items():
        forms.setdefault(values, formula)
        for function in ("lower", "upper", "ascii"):
            forms.setdefault(_done(function, values), f"{function}({formula})")
        bare = _done("ascii", values)
        for function in ("lower", "upper"):
            forms.setdefault(_done(function, bare), f"{function}(ascii({formula}))")
    for values, formula in list(forms.items()):
        for n in _LEFT:
            for side in ("left", "right") if formula == column else ("left",):
                forms.setdefault(_done(side, values, n), f"{side}({formula}, {n})")
    for values, formula in forms.items():
        if all(values):
            yield _Piece(formula, name, values)


def _done(function: str, values: list[str] | tuple[str, ...], *more: int) -> tuple[str, ...]:
    import pyarrow as pa

    there = np.ones(len(values), dtype=bool)
    out, _ = call(function, [pa.array(list(values), pa.string()), *more], there)
    return tuple(out.to_pylist())


def _take_apart(wholes: list[str], pieces: list[_Piece]) -> list[_Piece | str] | None:
    """Pieces and constant letters that make up every text; None when nothing does."""
    useful = [p for p in pieces if all(v in w for v, w in zip(p.values, wholes, strict=True))]
    useful = [p for p in useful if len(set(p.values)) > 1]
    useful.sort(key=lambda p: (-sum(map(len, p.values)), len(p.formula)))
    if not useful:
        return None
    steps = [MOST_STEPS]
    dead: set[tuple[int, ...]] = set()

    def search(at: tuple[int, ...]) -> list[_Piece | str] | None:
        if all(i == len(w) for i, w in zip(at, wholes, strict=True)):
            return []
        steps[0] -= 1
        if steps[0] < 0 or at in dead:
            return None
        for piece in useful:
            if all(w.startswith(v, i) for w, v, i in zip(wholes, piece.values, at, strict=True)):
                rest = search(tuple(i + len(v) for i, v in zip(at, piece.values, strict=True)))
                if rest is not None:
                    return [piece, *rest]
        letters = {w[i : i + 1] for w, i in zip(wholes, at, strict=True)}
        if len(letters) == 1 and "" not in letters:
            rest = search(tuple(i + 1 for i in at))
            if rest is not None:
                return [letters.pop(), *rest]
        dead.add(at)
        return None

    found = search((0,) * len(wholes))
    return found if found and any(isinstance(p, _Piece) for p in found) else None


def _formula(parts: list[_Piece | str]) -> str:
    """The parts as a formula; letters that follow each other as one text."""
    out: list[str] = []
    letters = ""
    for part in [*parts, None]:
        if isinstance(part, str):
            letters += part
            continue
        if letters:
            out.append(literal(letters))
            letters = ""
        if part is not None:
            out.append(part.formula)
    return out[0] if len(out) == 1 else f"concat({', '.join(out)})"
