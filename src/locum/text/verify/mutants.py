"""Small faults put into code on purpose: tests that notice none of them test nothing.

Source: mutation testing (DeMillo, Lipton & Sayward 1978), with the five classic operators only.
"""

from __future__ import annotations

import ast
import copy

_OPPOSITES: tuple[tuple[type[ast.cmpop], type[ast.cmpop]], ...] = (
    (ast.Lt, ast.GtE),
    (ast.Gt, ast.LtE),
    (ast.Eq, ast.NotEq),
    (ast.In, ast.NotIn),
    (ast.Is, ast.IsNot),
)
_COMPARE = dict([*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)])
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
    places = [i for i, node in enumerate(ast.walk(tree)) if _spoils(node)]
    if len(places) > most:
        places = [places[int(k * len(places) / most)] for k in range(most)]
    original = ast.unparse(tree)
    found = dict.fromkeys(_variant(tree, place) for place in places)
    return [text for text in found if text != original]


def _spoils(node: ast.AST) -> bool:
    """Whether a place has a variant."""
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in _COMPARE
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return type(node.op) in _OPERATE
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float, bool)
    return isinstance(node, ast.If | ast.While) or (isinstance(node, ast.Return) and node.value is not None)


def _variant(tree: ast.Module, place: int) -> str:
    changed = copy.deepcopy(tree)
    _spoil(list(ast.walk(changed))[place])
    return ast.unparse(ast.fix_missing_locations(changed))


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
