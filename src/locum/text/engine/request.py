"""One request to a model and its answer, both as plain values; the key under which the answer is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from locum.files.json import dump

Kind = Literal["chat", "completion", "embedding"]

#: Part of every key: raise it when the same request would mean something else.
KEY_VERSION = 1
#: Where each kind goes, below the base address of an endpoint.
PATHS: Mapping[str, str] = {
    "chat": "/chat/completions",
    "completion": "/completions",
    "embedding": "/embeddings",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model. Equal requests have equal keys and are asked once.

    Attributes
    ----------
    kind
        ``chat``, ``completion`` or ``embedding``.
    model
        Name of the model as the endpoint knows it; for an embedded model its name and checksum.
    content
        Messages (chat), a prompt (completion) or texts (embedding).
    params
        Sampling parameters as the protocol names them (``temperature``, ``max_tokens``, ``stop`` ...).
    schema
        JSON Schema that the answer must have; None for free text.
    seed
        Seed of the sampling; None leaves it to the endpoint.
    """

    kind: Kind
    model: str
    content: Any
    params: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    seed: int | None = None

    @property
    def key(self) -> str:
        """SHA-256 of all of it, 64 hexadecimal digits."""
        parts = [KEY_VERSION, self.kind, self.model, self.content, dict(self.params), self.schema, self.seed]
        return hashlib.sha256(dump(parts)).hexdigest()

    def body(self, *, enforce_schema: bool) -> dict[str, Any]:
        """The JSON body of the protocol.

        Parameters
        ----------
        enforce_schema
            Whether the endpoint knows ``response_format`` with a JSON Schema.
        """
        where = {"chat": "messages", "completion": "prompt", "embedding": "input"}[self.kind]
        body: dict[str, Any] = {"model": self.model, where: self.content, **self.params}
        if self.seed is not None and self.kind != "embedding":
            body["seed"] = self.seed
        if self.schema is not None and enforce_schema:
            named = {"name": "answer", "schema": self.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return body

    @property
    def prompt_bytes(self) -> int:
        """Upper bound of the prompt's tokens: none is shorter than a byte; each message adds a few."""
        if isinstance(self.content, str):
            return len(self.content.encode()) + 16
        total = 16
        for part in self.content:
            text = part if isinstance(part, str) else str(part.get("content", ""))
            total += len(text.encode("utf-8", "replace")) + 16
        return total

    @property
    def max_tokens(self) -> int:
        """Most tokens that the answer can have; 0 for embeddings."""
        if self.kind == "embedding":
            return 0
        return int(self.params.get("max_tokens") or self.params.get("max_completion_tokens") or 4096)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes
    ----------
    text
        The text; empty for embeddings.
    finish
        Why it ended: ``stop``, ``length`` ...
    prompt_tokens, completion_tokens
        As the endpoint counted them; 0 when it did not say.
    vectors
        Embeddings in the order asked; empty otherwise.
    logprobs
        What the endpoint gave as log-probabilities, as JSON; None when not asked for.
    cached
        Whether it came out of the cache.
    tries
        Requests that it took.
    """

    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    vectors: Sequence[Sequence[float]] = ()
    logprobs: Any = None
    cached: bool = False
    tries: int = 1

    def to_json(self) -> dict[str, Any]:
        """What the cache keeps."""
        kept: dict[str, Any] = {
            "text": self.text,
            "finish": self.finish,
            "in": self.prompt_tokens,
            "out": self.completion_tokens,
            "tries": self.tries,
        }
        if self.vectors:
            kept["vectors"] = [list(vector) for vector in self.vectors]
        if self.logprobs is not None:
            kept["logprobs"] = self.logprobs
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Reply:
        """Out of the cache."""
        return cls(
            kept["text"],
            kept["finish"],
            kept["in"],
            kept["out"],
            kept.get("vectors", ()),
            kept.get("logprobs"),
            cached=True,
            tries=kept["tries"],
        )
