"""The page of a tournament: two leaderboards, the table of bouts, and what the controls say."""

from __future__ import annotations

from locum.report.template import environment
from locum.studies.tournament.result import Bout, Tournament


def render(found: Tournament) -> str:
    """The tournament as one offline HTML page, in the manner of `locum.report.html.render`."""
    template = environment().get_template("tournament.html.j2")
    return template.render(
        found=found,
        hiders=found.hider_board(),
        seekers=found.seeker_board(),
        warnings=found.warnings(),
        lead=lead(found),
        grid=[(h, [_mean_area(found, h, s) for s in found.seekers]) for h in found.hiders],
        broken=[b for b in found.bouts if b.reason],
        lost=[h for h in found.hidings if h.reason],
    )


def lead(found: Tournament) -> str:
    """Who hides best and who seeks best, in one or two sentences."""
    board = [h for h in found.hider_board() if 2 * h.passed > h.seeds and not h.control]
    seekers = [s for s in found.seeker_board() if not s.control and s.area is not None]
    sentences = []
    if board and board[0].worst_area is not None:
        best = board[0]
        sentences.append(
            f"Best hidden among the useful: {best.name}; its strongest seeker, {best.worst_seeker}, is right "
            f"{100 * (best.worst_area or 0.5):.1f} times in 100 (50 is guessing)."
        )
    else:
        sentences.append("No hider passed the utility gate, so nobody has won.")
    if seekers:
        sentences.append(f"Sharpest seeker: {seekers[0].name}, with a mean area of {seekers[0].area:.3f}.")
    return " ".join(sentences)


def _mean_area(found: Tournament, hider: str, seeker: str) -> tuple[float | None, str]:
    bouts: list[Bout] = [b for b in found.bouts if (b.hider, b.seeker) == (hider, seeker) and not b.reason]
    if not bouts:
        return None, ""
    low, high = min(b.low for b in bouts), max(b.high for b in bouts)
    return sum(b.area for b in bouts) / len(bouts), f"{low:.2f} to {high:.2f}"
