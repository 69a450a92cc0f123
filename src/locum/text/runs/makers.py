"""How one cell gets its value: one maker for each kind of column, all with the same face."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from locum.randomness import child_seed
from locum.text.engine.client import Engine
from locum.text.engine.request import Reply
from locum.text.failures import Lost, Reason
from locum.text.plan.columns import (
    Check,
    Code,
    Column,
    Embedding,
    Expression,
    Judge,
    Seed,
    Structured,
    Table,
    Text,
    Validator,
    Written,
)
from locum.text.plan.graph import checks_of, reads
from locum.text.plan.plan import Plan
from locum.text.plan.structured import code_fence, read_json
from locum.text.plan.template import Template, is_template
from locum.text.runs.samplers import Sampler
from locum.text.runs.sources import SeedColumn, SeedFile, TableColumn
from locum.text.verify.base import verdict_of
from locum.text.verify.registry import make, python_fault


@dataclass(slots=True)
class Row:
    """One attempt at one row.

    Attributes
    ----------
    slot
        Which row of the output it is for.
    attempt
        Number of the attempt in the whole run; all randomness hangs on it.
    values
        Made so far, by column; columns fixed by a quota stand here from the start.
    made
        How each written cell came about, by column.
    """

    slot: int
    attempt: int
    values: dict[str, Any]
    made: dict[str, dict[str, Any]] = field(default_factory=dict)


#: Makes the cells of one column; raises Lost when there is none, Stop when the run ends.
CellMaker = Callable[[Row], Awaitable[Any]]


def _at_once(draw: Callable[[Row], Any]) -> CellMaker:
    """Cells that are drawn, looked up or computed without asking anybody."""

    async def make(row: Row) -> Any:
        return draw(row)

    return make


class _Checks:
    """The checks of one column; parameters that are templates are filled in for each row."""

    def __init__(self, column: Column) -> None:
        where = f"columns.{column.name}"
        self._checks: list[tuple[Check, dict[str, Template], Any]] = []
        for check in checks_of(column):
            texts = {} if check.verifier == "expression" else check.params
            moving = {name: Template(text, where) for name, text in texts.items() if is_template(text)}
            fixed = None if moving else make(check.verifier, check.params)
            self._checks.append((check, moving, fixed))

    async def pass_or_lose(self, value: Any, row: Row, engine: Engine, seed: int) -> Any:
        """The value, mended where a verifier mends; raises Lost for the first that says no."""
        for check, moving, fixed in self._checks:
            filled = {key: template({**row.values, "value": value}) for key, template in moving.items()}
            verifier = make(check.verifier, {**check.params, **filled}) if moving else fixed
            verdict = await verdict_of(verifier, value, row.values, engine, seed)
            if not verdict.ok:
                raise Lost(Reason.INVALID, f"{check.verifier}: {verdict.reason}", stage="verify")
            if verdict.fixed is not None:
                value = verdict.fixed
        return value


class _Writer:
    """Cells that a model writes: text, code, structured values, scores.

    Up to `tries` candidates, each with a seed of its own; within one candidate a broken answer is asked for
    again with the fault named, `repairs` times.
    """

    def __init__(self, column: Written, plan: Plan, engine: Engine) -> None:
        where = f"columns.{column.name}"
        self._column, self._plan, self._engine = column, plan, engine
        self._model = plan.model_of(column)
        self._prompt = Template(column.prompt, f"{where}.prompt")
        self._system = Template(getattr(column, "system", ""), f"{where}.system")
        self._checks = _Checks(column)
        self._parents = sorted(reads(column))
        self._schema = _schema(column)
        self._keep_if: Template | None = None
        if isinstance(column, Judge) and column.keep_if:
            self._keep_if = Template(column.keep_if, f"{where}.keep_if", expression=True)
        self._params: dict[str, Any] = {"max_tokens": column.max_tokens, **column.params}
        for name in ("temperature", "top_p"):
            if getattr(column, name, None) is not None:
                self._params[name] = getattr(column, name)
        if getattr(column, "stop", ()):
            self._params["stop"] = list(column.stop)  # type: ignore[union-attr]

    async def make(self, row: Row) -> Any:
        """See `CellMaker`."""
        messages = self._messages(row.values)
        tries = getattr(self._column, "tries", 1)
        asked = 0
        for candidate in range(tries):
            seed = child_seed(self._plan.seed, "text", self._column.name, row.attempt, candidate)
            try:
                reply, value, requests = await self._candidate(messages, seed)
                asked += requests
                value = await self._checks.pass_or_lose(value, row, self._engine, seed)
                self._judge(value, row)
            except Lost as lost:
                lost.tries = candidate + 1
                if candidate + 1 == tries:
                    raise
                continue
            row.made[self._column.name] = {
                "model": self._engine.model_name(self._model),
                "seed": seed,
                "prompt": reply,
                "parents": self._parents,
                "tries": candidate + 1,
                "requests": asked,
            }
            return value
        raise AssertionError("tries is at least 1")

    async def _candidate(self, messages: list[dict[str, str]], seed: int) -> tuple[str, Any, int]:
        """Digest of the first request, the value, and how many requests it took."""
        digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()[:16]
        talk = list(messages)
        repairs = getattr(self._column, "repairs", 0)
        for turn in range(repairs + 1):
            reply = await self._ask(talk, seed)
            try:
                return digest, self._read(reply), turn + 1
            except Lost as lost:
                if turn == repairs:
                    raise self._final(lost) from None
                fault = lost.detail or lost.reason.value
            again = f"That cannot be used: {fault}. Answer again with the JSON alone."
            talk += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": again}]
        raise AssertionError("there is at least one turn")

    async def _ask(self, talk: list[dict[str, str]], seed: int) -> Reply:
        engine, model = self._engine, self._model
        if getattr(self._column, "mode", "chat") == "completion":
            prompt = "\n\n".join(message["content"] for message in talk)
            return await engine.complete(prompt, model=model, seed=seed, **self._params)
        return await engine.chat(talk, model=model, schema=self._schema, seed=seed, **self._params)

    def _messages(self, values: Mapping[str, Any]) -> list[dict[str, str]]:
        system, prompt = self._system(values), self._prompt(values)
        if self._schema is not None:
            spec = self._plan.models[self._model]
            if not spec.enforce_schema or isinstance(self._column, Judge):
                prompt += "\n\nAnswer with JSON alone, of this schema:\n" + json.dumps(self._schema)
        messages = [{"role": "system", "content": system}] if system else []
        return [*messages, {"role": "user", "content": prompt}]

    def _read(self, reply: Reply) -> Any:
        column = self._column
        if self._schema is not None:
            if reply.finish == "length":
                raise Lost(Reason.CUT_SHORT, "cut off at max_tokens", stage="parse")
            return read_json(reply.text, self._schema)
        text = reply.text
        if isinstance(column, Code):
            text = _code(text, column, reply)
        elif isinstance(column, Text):
            if column.whole and reply.finish == "length":
                raise Lost(Reason.CUT_SHORT, "cut off at max_tokens", stage="parse")
            text = _bare(text) if column.strip else text
        if not text.strip():
            raise Lost(Reason.EMPTY, stage="parse")
        return text

    def _final(self, lost: Lost) -> Lost:
        prose = lost.reason in (Reason.BAD_JSON, Reason.EMPTY, Reason.OFF_SCHEMA)
        if isinstance(self._column, Judge) and prose:
            return Lost(Reason.JUDGE_PROSE, lost.detail, stage="parse")
        return lost

    def _judge(self, value: Any, row: Row) -> None:
        if self._keep_if is None:
            return
        scores = {name: part["score"] for name, part in value.items()}
        if not self._keep_if({**row.values, **scores}):
            raise Lost(Reason.INVALID, "the scores do not meet keep_if", stage="judge")


def _embedder(column: Embedding, engine: Engine) -> CellMaker:
    """Vectors of another column."""

    async def make(row: Row) -> list[float]:
        text = str(row.values[column.of])
        if column.model:
            vectors, name = await engine.embed([text], model=column.model), engine.model_name(column.model)
        else:
            from locum.evaluation.learn.embedding import embed

            vectors, name = embed([text]), "static"
        row.made[column.name] = {"model": name, "parents": [column.of]}
        return [round(float(x), 6) for x in vectors[0]]

    return make


def _validator(column: Validator, plan: Plan, engine: Engine) -> CellMaker:
    """Verdicts on another column."""
    checks = _Checks(column)

    async def make(row: Row) -> bool:
        seed = child_seed(plan.seed, "text", column.name, row.attempt)
        try:
            await checks.pass_or_lose(row.values[column.of], row, engine, seed)
        except Lost:
            if column.on_failure == "reject":
                raise
            return False
        return True

    return make


def makers(plan: Plan, engine: Engine) -> tuple[dict[str, CellMaker], dict[str, list[int]]]:
    """A maker for each column, and the bad lines of each seed file; opens files and model files.

    Raises
    ------
    PlanError
        When a file is missing or a parameter cannot be.
    """
    found: dict[str, CellMaker] = {}
    files: dict[str, SeedFile] = {}
    for column in plan.columns:
        if isinstance(column, Seed) and column.path not in files:
            files[column.path] = SeedFile(plan.path(column.path))
        found[column.name] = _maker(column, plan, engine, files)
    return found, {path: file.bad_lines for path, file in files.items() if file.bad_lines}


def _maker(column: Column, plan: Plan, engine: Engine, files: Mapping[str, SeedFile]) -> CellMaker:
    match column:
        case Text() | Structured() | Code() | Judge():
            return _Writer(column, plan, engine).make
        case Embedding():
            return _embedder(column, engine)
        case Validator():
            return _validator(column, plan, engine)
        case Seed():
            seeds = SeedColumn(column, files[column.path], plan.seed)
            return _at_once(lambda row: seeds.get(row.slot, row.attempt))
        case Table():
            table = TableColumn(column, plan.path(column.model), plan.seed)
            fixed = column.fixed
            return _at_once(lambda row: table.get(row.slot if fixed else row.attempt))
        case Expression():
            return _at_once(_expression(column))
        case _:
            sampler = Sampler(column, plan.seed)
            return _at_once(lambda row: sampler.draw(row.values, row.attempt))


def _expression(column: Expression) -> Any:
    where, text = f"columns.{column.name}.expression", is_template(column.expression)
    template = Template(column.expression, where, expression=not text)
    turn: Any = {"text": str, "integer": int, "number": float, "boolean": bool}.get(column.type, lambda x: x)

    def compute(row: Row) -> Any:
        value = template(row.values)
        try:
            value = turn(value)
            json.dumps(value, allow_nan=False)
        except (ValueError, TypeError, OverflowError) as error:
            what = f"{column.name}: no {column.type} ({type(error).__name__})"
            raise Lost(Reason.TEMPLATE, what, stage="render") from error
        return value

    return compute


def _schema(column: Column) -> dict[str, Any] | None:
    if isinstance(column, Structured):
        return column.schema
    if not isinstance(column, Judge):
        return None
    properties: dict[str, Any] = {}
    for rubric in column.rubrics:
        scores: list[Any] = list(rubric.scores)
        if all(score.lstrip("-").isdigit() for score in rubric.scores):
            scores = [int(score) for score in rubric.scores]
        meanings = "; ".join(f"{score}: {meaning}" for score, meaning in rubric.scores.items())
        properties[rubric.name] = {
            "type": "object",
            "description": f"{rubric.description} ({meanings})",
            "properties": {"reason": {"type": "string", "maxLength": 300}, "score": {"enum": scores}},
            "required": ["reason", "score"],
            "additionalProperties": False,
        }
    closed = {"required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": properties, **closed}


def _code(text: str, column: Code, reply: Reply) -> str:
    source = code_fence(text, column.language).strip("\n")
    if not source.strip():
        raise Lost(Reason.EMPTY, stage="parse")
    if column.language == "python":
        fault = python_fault(source)
        if fault:
            cut = " (cut off at max_tokens)" if reply.finish == "length" else ""
            raise Lost(Reason.BAD_CODE, fault + cut, stage="parse")
    elif column.language == "json":
        read_json(source)
    return source


def _bare(text: str) -> str:
    bare = text.strip()
    for left, right in (('"', '"'), ("“", "”")):
        if len(bare) > 2 and bare[0] == left and bare[-1] == right and left not in bare[1:-1]:
            return bare[1:-1].strip()
    return bare
