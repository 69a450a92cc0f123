"""Write ``TEXT.md`` from the kept results of the text benchmarks.

python -m benchmarks.text_page
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HEAD = """# Text: engine, recipes, peers

Written by `python -m benchmarks.text_page` from the last runs of the commands named; 2 cores, shared with
other work unless the load before says otherwise. Parts that were not run since are left out.
"""


def read(name: str) -> dict[str, Any]:
    """Results of one benchmark; empty when it was not run."""
    path = HERE / "results" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def engine(found: dict[str, Any]) -> list[str]:
    """Throughput against the endpoint's own limit."""
    lines = ["## Engine: `python -m benchmarks.text_engine`", ""]
    lines += ["| may send | answered a second | limit | share | refused | CPU ms a request | load before |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for part in ("throughput", "slow"):
        for case, one in found.get(part, {}).items():
            if isinstance(one, dict):
                lines.append(
                    f"| {case} | {one['requests_per_s']} | {one['limit_per_s']:g} "
                    f"| {one['share_of_limit']:.1%} | {one['refused']} "
                    f"| {one['cpu_ms_per_request']:.2f} | {found[part]['load_before']} |"
                )
    if "rows" in found:
        one = found["rows"]
        lines += [
            "",
            f"100,000 rows: {one['rows']:,} kept, peak {one['peak_mb']} MB, "
            f"{one['cpu_ms_per_row']} ms of CPU a row.",
        ]
    return lines


def peers(found: dict[str, Any]) -> list[str]:
    """Whole commands of three tools on the same endpoint."""
    lines = ["", "## Peers: `python -m benchmarks.text_peers`", ""]
    lines += [
        f"{found['rows']:,} rows of one text each, 64 at once, 200 ms; load before {found['load_before']}.",
        "",
    ]
    lines += ["| tool | endpoint | rows | wall s | CPU s | answered | refused | CPU ms a request, no start |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for who in ("locum", "datadesigner", "distilabel"):
        told = found.get(who, {})
        if "skipped" in told:
            lines.append(f"| {who} | skipped: {told['skipped']} | | | | | | |")
            continue
        for case, one in told.items():
            if not isinstance(one, dict):
                continue
            if "rows" not in one:
                lines.append(f"| {who} | {case} | {one['error']} | | | | | |")
                continue
            lines.append(
                f"| {who} | {case} | {one['rows']} | {one['wall_s']} | {one['cpu_s']} | {one['answered']} | "
                f"{one['refused']} | {told.get('cpu_ms_per_request', '-') if case == 'no limit' else ''} |"
            )
    return lines


def recipes(found: dict[str, Any]) -> list[str]:
    """What was kept, judged by checks that share no code with those of the recipes."""
    lines = ["", "## Recipes on the embedded model: `python -m benchmarks.text_recipes`", ""]
    if "reviews" in found:
        one = found["reviews"]
        lines += [
            f"- reviews: {one['kept']} of {one['attempts']} attempts kept, "
            f"{one['schema_valid']:.0%} of the schema, "
            f"labels agree with a classifier trained on {one['classifier_rows']:,} real reviews in "
            f"{one['agreement']:.1%} (it is right in {one['classifier_on_real']:.1%} of other real ones); "
            "nearest pair "
            f"of texts {one['nearest_pair_jaccard']} (Jaccard of 5-grams), {one['exact_copies']} copies."
        ]
    if "arithmetic" in found:
        one = found["arithmetic"]
        lines += [
            f"- arithmetic: {one['kept']} of {one['attempts']} attempts kept; the other solver finds the "
            "answer of "
            f"{one['right']} of {one['rows']} ({one['share']:.1%})."
        ]
    if "exercises" in found:
        one = found["exercises"]
        lines += [
            f"- exercises: {one['kept']} of {one['attempts']} attempts kept, "
            f"{one['pass']} of {one['rows']} pass their tests; "
            f"tests notice {one['recipe_killed']} of {one['recipe_mutants']} faults of the recipe (at least "
            f"{one['least_killed_by_recipe']} an item) "
            f"and {one['ours_noticed']} of {one['ours']} put in here."
        ]
    return lines


def main() -> None:
    """Write the page."""
    parts = (("text_engine", engine), ("text_peers", peers), ("text_recipes", recipes))
    lines = [line for name, write in parts if (found := read(name)) for line in write(found)]
    (HERE / "TEXT.md").write_text(HEAD + "\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
