"""Help pages: commands by what they are for with whole sentences, options by topic, and an example each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand, TyperGroup

#: Commands by what they are for, in the order of the help page.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Start": ("demo", "init", "check", "run"),
    "Draw rows": ("fit", "sample", "impute", "fair"),
    "Judge rows and models": ("evaluate", "plant", "subgroups", "mix", "collapse"),
    "Compare generators": ("compare", "tournament"),
    "Publish and check": ("release", "verify", "inspect"),
    "Text": ("text", "models"),
    "Help": ("doctor",),
}

#: What a command does, in one line of the list.
SHORT: Mapping[str, str] = {
    "demo": "Run everything on a small bundled table.",
    "init": "Write locum.toml: what each column seems to be, and why.",
    "check": "Predict time and memory; nothing is fitted or written.",
    "run": "Make a synthetic table and the evidence about it.",
    "fit": "Learn a generator from every row of a table.",
    "sample": "Draw rows from a generator, also on conditions.",
    "impute": "Fill missing cells of a table.",
    "fair": "Draw rows repaired towards a notion of fairness.",
    "evaluate": "Judge anybody's synthetic table against the real one.",
    "plant": "Plant canary rows for `evaluate --canaries` to find.",
    "subgroups": "Test a model on groups with few test rows.",
    "mix": "Do synthetic rows help a model, and how many?",
    "collapse": "Let a generator learn from its own rows, and watch.",
    "compare": "Ours and anybody's generators by the same tests.",
    "tournament": "Generators hide the rows they learned, attacks seek.",
    "release": "Bundle what may be published of a private run.",
    "verify": "Check a bundle: hashes, signature, sum of budget.",
    "inspect": "Show what a model file or run folder holds.",
    "text": "Write, check and select text by a plan.",
    "models": "Weights for the embedded text model.",
    "doctor": "Versions, cores, memory and extras, for bug reports.",
}

#: Calls as people make them, shown under the options.
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "demo": ("locum demo",),
    "init": ("locum init visits.csv",),
    "check": (
        "locum check visits.csv --target readmitted",
        "locum check visits.csv --epsilon 1 --unit patient_id",
    ),
    "run": (
        "locum run visits.csv --target readmitted --protected sex",
        "locum run visits.csv --target readmitted --epsilon 1 --unit patient_id",
    ),
    "fit": ("locum fit visits.csv --model visits.locum",),
    "sample": (
        "locum sample visits-locum --rows 100000 --out more.parquet",
        "locum sample visits.locum --where \"age >= 80 and sex = 'F'\" --rows 1000 --out old.csv",
    ),
    "impute": ("locum impute visits.csv --column weight --out complete.csv",),
    "fair": ("locum fair visits.locum --target readmitted --protected sex --rows 1000 --out fair.csv",),
    "evaluate": (
        "locum evaluate --real learned.csv --synthetic theirs.csv --holdout unseen.csv "
        "--target readmitted --out verdict",
    ),
    "plant": (
        "locum plant visits.csv --out planted.csv",
        "locum evaluate --real planted.csv --synthetic theirs.csv --canaries canaries.parquet",
    ),
    "subgroups": (
        "locum subgroups learn.csv --test test.csv --target readmitted --by sex --by sex,ward --out thin",
    ),
    "mix": ("locum mix visits.csv --target readmitted",),
    "collapse": ("locum collapse visits.csv",),
    "compare": ('locum compare visits.csv --target readmitted --with tree --with "aim?epsilon=1"',),
    "tournament": ("locum tournament visits.csv --target readmitted --hide tree --hide tree-fast",),
    "release": ("locum release visits-locum --out bundle",),
    "verify": ("locum verify bundle",),
    "inspect": ("locum inspect visits-locum", "locum inspect visits.locum"),
    "doctor": ("locum doctor",),
}

#: Options whose help begins with one of these words are listed by themselves, without the words.
_TOPICS = ("With --epsilon: ",)


class CommandList(TyperGroup):
    """A group whose commands are listed with whole sentences, in sections where they are known."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list."""
        known = dict(self.commands)
        if set(known) == set(SHORT):
            for title, names in SECTIONS.items():
                with formatter.section(title):
                    formatter.write_dl([(name, SHORT[name]) for name in names], col_max=10)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, known[name].get_short_help_str(400)) for name in known])


class Command(TyperCommand):
    """A command whose options about one topic stand together, with examples at the end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, options, and options by topic."""
        parts: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            name, said = record
            topic = next((t for t in _TOPICS if said.startswith(t)), "")
            if topic:
                words = said.removeprefix(topic)
                parts.setdefault(topic.rstrip(": "), []).append((name, words[:1].upper() + words[1:]))
            else:
                parts["Arguments" if param.param_type_name == "argument" else "Options"].append(record)
        for title, records in parts.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples as they are typed."""
        calls = EXAMPLES.get(self.name or "", ())
        if not calls or ctx.parent is None or ctx.parent.parent is not None:
            return
        with formatter.section("Example" if len(calls) == 1 else "Examples"):
            for call in calls:
                formatter.write(" " * formatter.current_indent + call + "\n")
