"""What a plan says about a model: how it is reached, what it costs, and whether it is on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from locum.text.failures import PlanError
from locum.text.plan.fields import Closed

#: Hosts that are this machine.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ModelSpec(Closed):
    """A model that a plan may use. Holds no key: only the name of the variable that does.

    Attributes
    ----------
    model
        Name at the endpoint, or of an embedded model (see ``locum models list``), or path of a GGUF file.
    base_url
        Address of an OpenAI-compatible endpoint up to and including ``/v1``; None runs the model embedded.
    api_key_env
        Environment variable that holds the key; empty sends none.
    price_in, price_out
        Money per million tokens of prompt and answer, in whatever currency you count in.
    max_in_flight
        Most requests at the same time. Embedded: slots; only one slot gives the same bytes each time.
    timeout_s
        Longest wait for one answer in seconds.
    max_tries
        Requests for one answer, the first included; refusals for want of capacity (429) do not count, only
        the time spent waiting ends them.
    max_wait_s
        Longest time in seconds that one request may spend waiting between tries, all of them together.
    enforce_schema
        Whether the endpoint knows ``response_format`` with a JSON Schema. Answers are checked either way.
    temperature, top_p
        Used where a column says nothing; None leaves it to the endpoint.
    context
        Embedded only: tokens of context for each slot.
    """

    model: str
    base_url: str | None = None
    api_key_env: str = ""
    price_in: float = 0.0
    price_out: float = 0.0
    max_in_flight: int = 0
    timeout_s: float = 120.0
    max_tries: int = 8
    max_wait_s: float = 120.0
    enforce_schema: bool = True
    temperature: float | None = None
    top_p: float | None = None
    context: int = 2048

    def __post_init__(self) -> None:
        where = f"model {self.model!r}"
        if not self.model:
            raise PlanError("a model needs a name", where="models")
        if self.base_url is not None:
            parts = urlsplit(self.base_url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise PlanError(
                    f"{self.base_url!r} is no address",
                    where=where,
                    expected="http://host:port/v1 or https://.../v1",
                )
            if parts.username or parts.password:
                raise PlanError("the address holds a password", where=where, do="put the key into a variable")
        for name in ("price_in", "price_out", "max_wait_s", "max_in_flight"):
            if getattr(self, name) < 0:
                raise PlanError(f"{name} is negative", where=where)
        if self.timeout_s <= 0 or self.max_tries < 1 or self.context < 128:
            raise PlanError(
                "timeout_s, max_tries or context is too small",
                where=where,
                expected="timeout_s > 0, max_tries >= 1, context >= 128",
            )

    @property
    def embedded(self) -> bool:
        """Whether it runs inside this process."""
        return self.base_url is None

    @property
    def host(self) -> str:
        """Host name of the endpoint; ``embedded`` when there is none."""
        return "embedded" if self.base_url is None else (urlsplit(self.base_url).hostname or "")

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine. A tunnel behind a loopback port cannot be seen."""
        return self.embedded or self.host in LOOPBACK

    @property
    def slots(self) -> int:
        """Most requests at the same time."""
        return self.max_in_flight or (1 if self.embedded else 64)

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Money for so many tokens."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6

    def defaults(self) -> dict[str, Any]:
        """Sampling parameters that hold for every request."""
        found = {"temperature": self.temperature, "top_p": self.top_p}
        return {name: value for name, value in found.items() if value is not None}
