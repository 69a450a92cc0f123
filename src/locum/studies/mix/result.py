"""What a study of mixing found: typed values for report, command line and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from locum.evaluation.result import plain

MixVerdict = Literal["helps", "no evidence", "harms"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A mean difference over splits with its 95 % interval and the smallest effect that would be found.

    `detectable` is the true difference that the study would tell from 0 with a chance of 80 %.
    """

    value: float
    low: float
    high: float
    detectable: float


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train.

    Attributes
    ----------
    name
        As shown.
    kind
        ``real``, ``mix``, ``synthetic`` (alone), ``copy`` (real rows drawn again in place of synthetic ones)
        or ``rival``.
    ratio, weight
        Synthetic rows per real row, and the weight of each against 1 for a real row.
    score, calibration, balanced
        Means over splits: main score; expected calibration error and balanced accuracy for two classes.
    gain
        Difference of the main score to real rows alone; None for that arm itself.
    """

    name: str
    kind: str
    ratio: float
    weight: float
    score: float
    gain: Contrast | None
    calibration: float | None = None
    balanced: float | None = None


@dataclass(frozen=True, slots=True)
class GroupGain:
    """Difference of the main score in one group of the test rows."""

    column: str
    level: str
    rows: int
    real: float
    mixed: float
    gain: Contrast


@dataclass(frozen=True, slots=True)
class Mixing:
    """The answer to the question whether to add synthetic rows, and how many.

    Attributes
    ----------
    measure
        ``AUC`` or ``R2``.
    chosen
        Name of the arm that most splits would choose; its gain is judged on splits that had no say in it.
    gain, floor
        Gain of choosing a mix over real rows alone, and over copies of the real rows in the same roles: the
        noise floor.
    optimum
        Effective share of synthetic weight where a fitted curve is best, None where it is flat.
    curve
        Pairs (real rows, score) of real rows alone.
    worth
        How many more real rows would bring the same gain, with lower and upper end; infinite where more than
        ten times the real rows would be needed. None without evidence of a gain.
    copying
        Area of the membership attack on as many synthetic rows as the chosen mix has, with interval; 0.5 is
        best. None if not measured, as for rows from a file without a hold-out: learning and test rows then
        differ by our own draw only.
    pooled
        Mean gain of the mixes in which a synthetic row weighs as much as a real one.
    beside
        One sentence: the chosen mix beside the best rival; empty unless the verdict is ``helps``.
    from_file
        Whether the synthetic rows were given ready-made, so that it is not known what their generator saw.
    """

    table: str
    target: str
    measure: str
    synthesizer: str
    rows: int
    test_rows: int
    splits: int
    verdict: MixVerdict
    sentence: str
    chosen: str
    gain: Contrast
    floor: Contrast
    optimum: float | None
    arms: tuple[Arm, ...]
    curve: tuple[tuple[int, float], ...]
    worth: tuple[float, float, float] | None
    groups: tuple[GroupGain, ...]
    copying: tuple[float, float, float] | None
    pooled: Contrast
    beside: str = ""
    warnings: tuple[str, ...] = ()
    created: str = ""
    cpu_s: float = 0.0
    from_file: bool = False

    def arm(self, name: str) -> Arm:
        """The arm of that name; KeyError when there is none."""
        for a in self.arms:
            if a.name == name:
                return a
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary with every number."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}
