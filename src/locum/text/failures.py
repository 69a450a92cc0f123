"""Why a row, a cell or a request was lost: one closed list of reasons for rejects and funnel."""

from __future__ import annotations

from enum import StrEnum

from locum.errors import DataError, LocumError


class Reason(StrEnum):
    """A typed reason; its value is what stands in ``rejects.jsonl``."""

    #: The endpoint could not be reached, or broke the connection off.
    UNREACHABLE = "unreachable"
    #: 401 or 403: the key is wrong or missing.
    AUTH = "auth"
    #: 404: no such model or path.
    NOT_FOUND = "not_found"
    #: Any other 4xx: the endpoint refuses this request.
    REFUSED = "refused"
    #: 429 until the patience for one request was used up.
    RATE_LIMITED = "rate_limited"
    #: 5xx until the tries were used up.
    SERVER_ERROR = "server_error"
    #: No answer in time.
    TIMEOUT = "timeout"
    #: The answer was cut off on its way.
    BROKEN_ANSWER = "broken_answer"
    #: The answer is not what the protocol says (no choices, no text).
    BAD_ANSWER = "bad_answer"
    #: The text ends because ``max_tokens`` was reached, where a whole text was needed.
    CUT_SHORT = "cut_short"
    #: Text without anything in it.
    EMPTY = "empty"
    #: No JSON in the text, after all repairs.
    BAD_JSON = "bad_json"
    #: JSON, but not of the schema, after all repairs.
    OFF_SCHEMA = "off_schema"
    #: A judge wrote something other than scores.
    JUDGE_PROSE = "judge_prose"
    #: Code that does not parse.
    BAD_CODE = "bad_code"
    #: A template or expression failed on the values of this row.
    TEMPLATE = "template"
    #: A sampler could not draw (unknown parent value, empty range).
    SAMPLER = "sampler"
    #: A line of a seed file is no record.
    BAD_SEED_LINE = "bad_seed_line"
    #: A verifier or validator said no.
    INVALID = "invalid"
    #: Equal to a kept row.
    DUPLICATE = "duplicate"
    #: Nearly equal to a kept row (MinHash).
    NEAR_DUPLICATE = "near_duplicate"
    #: Nearly the same meaning as a kept row (embedding).
    SAME_MEANING = "same_meaning"
    #: The cell of the quota has been filled already.
    QUOTA_FULL = "quota_full"
    #: Not in the cache, and the run may only replay.
    NOT_CACHED = "not_cached"


class PlanError(DataError):
    """A text plan contradicts itself: an unknown name, a cycle, a value that cannot be."""


class EndpointError(LocumError):
    """A model endpoint or embedded model cannot be used at all; what was done so far is kept."""


class Lost(Exception):
    """One row, cell or request is lost; the run goes on.

    Parameters
    ----------
    reason
        Which kind.
    detail
        A few words, at most 300 characters are kept. Holds no key and no header.
    stage
        Where in the making: ``request``, ``parse``, ``verify``, ``render`` ...
    tries
        Requests or candidates that were tried.
    """

    def __init__(self, reason: Reason, detail: str = "", *, stage: str = "", tries: int = 1) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason, self.detail, self.stage, self.tries = reason, detail[:300], stage, tries


class Stop(Exception):
    """The whole run ends here with everything kept: a cap was reached or the endpoint is gone.

    Attributes
    ----------
    cause
        ``max_cost``, ``max_tokens``, ``max_time``, ``endpoint``, ``auth``, ``not_found`` or ``yield``.
    error
        What a caller that has no run to keep raises instead.
    """

    def __init__(self, cause: str, error: LocumError) -> None:
        super().__init__(error.message)
        self.cause, self.error = cause, error
