"""Small faults put into code on purpose: tests that notice none of them test nothing.

Source: mutation testing (DeMillo, Lipton & Sayward 1978), with the five classic operators only.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATE: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}


def mutants(source: str, most: int = 20) -> list[str]:
    """Variants of a module with one fault each: comparison, operator, constant, condition, returned value.

    Parameters
    ----------
    source
        Python source; one that does not parse has none.
    most
        Variants at most, spread evenly over the source.

    Returns
    -------
    list of str
        Sources, each different from the original.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    nodes = list(ast.walk(tree))
    sites = [(i, kind) for i, node in enumerate(nodes) for kind in range(_kinds(node))]
    if len(sites) > most:
        sites = [sites[int(k * len(sites) / most)] for k in range(most)]
    return list(_made(tree, sites, ast.unparse(tree)))


def _kinds(node: ast.AST) -> int:
    """How many variants a place has."""
    if isinstance(node, ast.Compare):
        return int(type(node.ops[0]) in _COMPARE)
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return int(type(node.op) in _OPERATE)
    if isinstance(node, ast.Constant):
        return int(type(node.value) in (int, float, bool))
    if isinstance(node, ast.If | ast.While):
        return 1
    return int(isinstance(node, ast.Return) and node.value is not None)


def _made(tree: ast.Module, sites: list[tuple[int, int]], original: str) -> Iterator[str]:
    seen = {original}
    for place, _ in sites:
        changed = copy.deepcopy(tree)
        _spoil(list(ast.walk(changed))[place])
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text not in seen:
            seen.add(text)
            yield text


def _spoil(node: ast.AST) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = _COMPARE[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        node.op = _OPERATE[type(node.op)]()
    elif isinstance(node, ast.Constant):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1  # type: ignore[operator]
    elif isinstance(node, ast.If):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.While):
        node.test = ast.Constant(False)
    elif isinstance(node, ast.Return):
        node.value = ast.Constant(None)
