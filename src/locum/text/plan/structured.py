"""JSON out of what a model wrote: found, mended where the fault is a slip, checked against its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from locum.errors import UsageError
from locum.text.failures import Lost, Reason

#: Deepest nesting that is read.
_MAX_DEPTH = 60


def read_json(text: str, schema: Mapping[str, Any] | None = None) -> Any:
    """The JSON value in a text, checked.

    Taken in this order: the whole text; what stands in a code fence; from the first bracket to the last;
    that, mended by json-repair, if it begins with a bracket at all.

    Raises
    ------
    Lost
        ``empty``, ``bad_json`` or ``off_schema`` with where and what in the schema's words, not in the
        data's.
    """
    if not text.strip():
        raise Lost(Reason.EMPTY, stage="parse")
    value = _parse(text)
    if schema is not None:
        fault = _fault(value, schema)
        if fault:
            raise Lost(Reason.OFF_SCHEMA, fault, stage="parse")
    return value


def schema_problem(schema: Mapping[str, Any]) -> str:
    """What is wrong with a schema itself; empty when nothing is."""
    jsonschema = _jsonschema()
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return f"the schema is none: {error.message[:200]}"
    if _refers_outside(schema):
        return "the schema refers to an address ($ref); only references inside it (#/...) are followed"
    return ""


def _parse(text: str) -> Any:
    inside = code_fence(text)
    candidates = [text, inside] if inside != text else [text]
    starts = [i for i in (text.find("{"), text.find("[")) if i >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    if starts and end > min(starts):
        candidates.append(text[min(starts) : end + 1])
    for candidate in candidates:
        try:
            return _shallow(json.loads(candidate, parse_constant=_no_constant))
        except (ValueError, RecursionError):
            continue
    if not starts:
        raise Lost(Reason.BAD_JSON, "no JSON in the answer", stage="parse")
    try:
        import json_repair

        mended = json_repair.loads(text[min(starts) :])
        json.dumps(mended, allow_nan=False)
    except (ValueError, RecursionError, ImportError):
        mended = None
    if not isinstance(mended, dict | list) or not mended:
        raise Lost(Reason.BAD_JSON, "JSON that cannot be mended", stage="parse")
    return _shallow(mended)


def code_fence(text: str, language: str = "") -> str:
    """What stands in the first code fence, of the language if there is one; else the text itself."""
    tags, parts = [""], [list[str]()]
    for line in text.splitlines():
        mark = line.strip()
        if mark.startswith("```"):
            tags.append(mark[3:].strip().lower())
            parts.append([])
        else:
            parts[-1].append(line)
    if len(parts) % 2 == 0 and not parts[-1]:
        parts.pop()  # a fence that was never closed, with nothing in it
    # every other part is inside a fence
    blocks = [(tag, "\n".join(lines)) for tag, lines in zip(tags, parts, strict=False)][1::2]
    named = [block for tag, block in blocks if language and tag == language.lower()]
    return [*named, *(block for _, block in blocks), text][0]


def _shallow(value: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _shallow(part, depth + 1)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _fault(value: Any, schema: Mapping[str, Any]) -> str:
    jsonschema = _jsonschema()
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    if not errors:
        return ""
    first = errors[0]
    place = "/".join(str(p) for p in first.absolute_path) or "the whole"
    wanted = json.dumps(first.validator_value, ensure_ascii=False)[:120]
    return f"{place} breaks {first.validator} {wanted}"


def _refers_outside(schema: Any) -> bool:
    if isinstance(schema, dict):
        reference = schema.get("$ref", "#")
        if isinstance(reference, str) and not reference.startswith("#"):
            return True
        return any(_refers_outside(part) for part in schema.values())
    return isinstance(schema, list) and any(_refers_outside(part) for part in schema)


def _jsonschema() -> Any:
    try:
        import jsonschema
    except ImportError as error:
        raise UsageError(
            "structured columns need the extra 'text'", where="plan", do="pip install 'locum[text]'"
        ) from error
    return jsonschema
