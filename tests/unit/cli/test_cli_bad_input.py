"""Bad input: one clear message, the promised exit code, nothing half-written. In process, to be quick."""

from __future__ import annotations

import html
import json
import random
import re

import pytest

from locum.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def good_table(rows: int = 60) -> str:
    draw = random.Random(3)
    lines = ["age,ward,name,constant,yes"]
    for i in range(rows):
        label = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        lines.append(f"{draw.randint(20, 90)},{draw.choice('ABC')},{label}{i},x,{draw.choice(['yes', 'no'])}")
    return "\n".join(lines) + "\n"


def fails(capsys, here, argv, code):
    """Run, expect this exit code, and return the message after checking the form of it."""
    before = sorted(p.name for p in here.rglob("*"))
    assert main(argv) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("error:") == 1, shown.err
    assert "Traceback" not in shown.err
    assert "locum itself failed" not in shown.err
    assert sorted(p.name for p in here.rglob("*")) == before, "something was left behind"
    return shown.err


FILES = {
    "an empty file": (b"", 1, ["data.csv", "empty"]),
    "only blank lines": (b"\n\n\n", 1, ["data.csv"]),
    "a header only": (b"a,b,c\n", 1, ["no rows"]),
    "ragged rows": (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", 1, ["line 3"]),
    "duplicate headers": (b"a,b,a\n1,2,3\n4,5,6\n", 1, ["'a'", "twice"]),
    "binary": (bytes(range(256)) * 20, 1, ["data.csv"]),
    "mixed encodings": ("naïve,b\n".encode() + "ä,1\n".encode() * 50 + b"\xe4\xff\x81,2\n" * 3, 1, []),
}


@pytest.mark.parametrize("name", [name for name in FILES if name != "mixed encodings"])
def test_unusable_files(name, capsys, here):
    content, code, words = FILES[name]
    (here / "data.csv").write_bytes(content)
    message = fails(capsys, here, ["run", "data.csv"], code)
    for word in words:
        assert word in message


def test_mixed_encodings_are_refused_or_named(capsys, here):
    (here / "data.csv").write_bytes(FILES["mixed encodings"][0])
    code = main(["check", "data.csv"])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert code in (0, 1)
    # Either it cannot be read, or the note says which encoding was taken, so that it can be corrected.
    assert "encod" in (shown.err + shown.out).lower() or "utf-8" in (shown.err + shown.out).lower()


def test_a_missing_file_with_a_suggestion(capsys, here):
    (here / "visits.csv").write_text(good_table())
    message = fails(capsys, here, ["run", "visit.csv"], 1)
    assert "no such file" in message
    assert "visits.csv" in message


def test_a_folder_instead_of_a_file(capsys, here):
    (here / "tables.csv").mkdir()
    (here / "tables.csv" / "one.csv").write_text(good_table())
    assert "folder" in fails(capsys, here, ["run", "tables.csv"], 1)


def test_no_data_named(capsys, here):
    assert "no data was named" in fails(capsys, here, ["run"], 2)


def test_a_wrong_delimiter_names_the_way_out(capsys, here):
    (here / "data.csv").write_text(good_table())
    assert main(["check", "data.csv", "--delimiter", ";"]) in (0, 1)
    shown = capsys.readouterr()
    assert "delimiter" in shown.err + shown.out


def test_thousands_of_columns_work_or_are_refused_in_words(capsys, here):
    # 10,000 columns take the same way and about 20 CPU seconds; the cost is linear in columns.
    wide = 1_000
    names = ",".join(f"c{i}" for i in range(wide))
    rows = "\n".join(",".join(str((i * j) % 7) for i in range(wide)) for j in range(5))
    (here / "wide.csv").write_text(f"{names}\n{rows}\n")
    code = main(["check", "wide.csv"])
    shown = capsys.readouterr()
    assert code in (0, 1)
    assert "Traceback" not in shown.err
    assert "1,000 columns" in shown.out if code == 0 else shown.err.count("error:") == 1


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--rows", "0"], 2, ["rows", "0", "1 or more"]),
        (["--rows", "-5"], 2, ["-5"]),
        (["--seed", "-1"], 2, ["seed", "-1"]),
        (["--holdout", "1.5"], 2, ["hold-out", "1.5", "0.2"]),
        (["--holdout", "nan"], 2, ["hold-out"]),
        (["--target", "agee"], 2, ["target", "'agee'", "did you mean 'age'"]),
        (["--protected", "wards"], 2, ["protected", "did you mean 'ward'"]),
        (["--target", "constant"], 1, ["constant", "same value"]),
        (["--target", "name"], 1, ["name", "every row"]),
        (["--synthesizer", "tre"], 2, ["'tre'", "tree"]),
        (["--time-budget", "soon"], 2, ["--time-budget", "soon", "5m"]),
        (["--time-budget", "0.001s"], 1, ["time budget", "cheapest"]),
        (["--format", "xlsx"], 2, ["xlsx", "parquet"]),
        (["--preview", "0"], 2, ["--preview"]),
        (["--config", "nowhere.toml"], 1, ["nowhere.toml"]),
        (["--rows", "5000000000"], 1, ["memory", "--rows"]),
    ],
)
def test_options_that_cannot_be(options, code, words, capsys, here):
    (here / "data.csv").write_text(good_table())
    message = fails(capsys, here, ["run", "data.csv", *options], code)
    for word in words:
        assert word in message, message


def test_the_same_words_as_json(capsys, here):
    (here / "data.csv").write_text(good_table())
    assert main(["run", "data.csv", "--target", "agee", "--json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["error"] == "UsageError"
    assert shown["where"] == "target"
    assert shown["exit_code"] == 2
    assert shown["message"].startswith("target: there is no column 'agee'")


def test_a_column_of_unique_texts_is_made_afresh_and_named(capsys, here):
    (here / "data.csv").write_text(good_table())
    assert main(["check", "data.csv"]) == 0
    shown = capsys.readouterr()
    assert "Made afresh, not learned: name" in shown.out


def test_a_broken_config_names_the_key(capsys, here):
    (here / "data.csv").write_text(good_table())
    (here / "locum.toml").write_text('version = 1\n[schema.data.age]\nknid = "integer"\n')
    message = fails(capsys, here, ["run", "data.csv"], 1)
    assert "schema.data.age" in message


def test_a_config_about_other_columns_says_which(capsys, here):
    (here / "data.csv").write_text(good_table())
    (here / "locum.toml").write_text('version = 1\n[schema.data.height]\nkind = "integer"\n')
    message = fails(capsys, here, ["run", "data.csv"], 1)
    assert "height" in message
    assert "locum init" in message


class TestOtherCommands:
    """The same manners outside of ``run``."""

    def test_init_does_not_overwrite(self, capsys, here):
        (here / "data.csv").write_text(good_table())
        assert main(["init", "data.csv"]) == 0
        written = (here / "locum.toml").read_text()
        capsys.readouterr()
        assert "--force" in fails(capsys, here, ["init", "data.csv"], 2)
        assert (here / "locum.toml").read_text() == written
        assert main(["init", "data.csv", "--force"]) == 0

    def test_sample_refuses_what_is_no_model(self, capsys, here):
        (here / "m.locum").write_bytes(b"not a model")
        message = fails(capsys, here, ["sample", "m.locum", "--rows", "5", "--out", "x.csv"], 1)
        assert "m.locum" in message

    def test_inspect_refuses_what_is_no_model_and_what_is_not_there(self, capsys, here):
        (here / "m.locum").write_bytes(b"PK\x03\x04 cut off")
        assert "m.locum" in fails(capsys, here, ["inspect", "m.locum"], 1)
        assert "no such file" in fails(capsys, here, ["inspect", "n.locum"], 2)
        (here / "empty").mkdir()
        assert "run folder" in fails(capsys, here, ["inspect", "empty"], 1)

    def test_sample_checks_rows_seed_and_suffix_before_reading(self, capsys, here):
        argv = ["sample", "absent.locum", "--rows", "5", "--out", "x.csv"]
        assert "rows" in fails(capsys, here, ["sample", "absent.locum", "--rows", "0", "--out", "x.csv"], 2)
        assert "seed" in fails(capsys, here, [*argv, "--seed", "-1"], 2)
        assert ".xlsx" in fails(capsys, here, [*argv[:-1], "x.xlsx"], 2)
        assert "no such file" in fails(capsys, here, argv, 2)

    def test_fit_does_not_overwrite(self, capsys, here):
        (here / "data.csv").write_text(good_table())
        (here / "m.locum").write_text("precious")
        assert "--force" in fails(capsys, here, ["fit", "data.csv", "--model", "m.locum"], 2)
        assert (here / "m.locum").read_text() == "precious"

    def test_evaluate_says_which_columns_are_missing(self, capsys, here):
        (here / "real.csv").write_text(good_table())
        (here / "fake.csv").write_text("age,wrd\n1,A\n2,B\n")
        argv = ["evaluate", "--real", "real.csv", "--synthetic", "fake.csv"]
        message = fails(capsys, here, [*argv, "--target", "ward"], 1)
        assert "missing" in message
        assert "'wrd'" in message
        # Without need of it the other columns are compared, and what is not is listed.
        assert main(argv) == 0
        assert "'ward' was not compared: fake has no such column (it has 'wrd')" in capsys.readouterr().err

    def test_evaluate_refuses_a_folder_in_use(self, capsys, here):
        (here / "real.csv").write_text(good_table())
        (here / "report").mkdir()
        (here / "report" / "mine.txt").write_text("x")
        argv = ["evaluate", "--real", "real.csv", "--synthetic", "real.csv", "--out", "report"]
        assert "mine.txt" in fails(capsys, here, argv, 2)


def table(rows: int, seed: int, **changed: str) -> str:
    """A small table of three related columns; `changed` columns hold that text in every row."""
    draw = random.Random(seed)
    lines = ["age,ward,late"]
    for i in range(rows):
        row = {"age": str(draw.randint(20, 90) * 1000 + i), "ward": draw.choice("ABC")}
        row["late"] = "yes" if draw.random() < int(row["age"]) / 90_000 else "no"
        lines.append(",".join({**row, **changed}.values()))
    return "\n".join(lines) + "\n"


EVALUATED = {
    # name: (real, synthetic, hold-out, options, words on the screen)
    "ten rows": (table(10, 1), table(10, 2), table(10, 3), ["--protected", "ward"],
                 ["there are only 10 real rows", "fewer than 30 real rows"]),
    "one row": (table(1, 1), table(1, 2), table(1, 3), [], ["only 1 real row", "frequent enough"]),
    "one real row": (table(1, 1), table(60, 2), table(60, 3), [], ["only 1 real row"]),
    "one synthetic class": (table(60, 1), table(60, 2, late="no"), table(60, 3), [], ["'late'"]),
    "one class held out": (table(60, 1), table(60, 2), table(60, 3, late="no"), [],
                           ["fewer than two values of 'late'"]),
    "synthetic nulls": (table(60, 1), table(60, 2, age=""), table(60, 3), [], ["told apart"]),
    "nulls everywhere": (table(60, 1, age=""), table(60, 2, age=""), table(60, 3, age=""), [], []),
    "groups of one row": (table(60, 1), table(60, 2), table(60, 3), ["--protected", "age"],
                          ["fewer than 30 real rows"]),
    "an overlapping hold-out": (table(60, 1), table(60, 2), table(30, 1) + table(30, 3)[14:], [],
                                ["had been learned from and were left out"]),
    "a hold-out inside": (table(60, 1), table(60, 2), table(30, 1), [], ["had been learned from"]),
    "a copy without hold-out": (table(60, 1), table(60, 1), "", [], ["copying found", "no chance"]),
    "other kinds of values": (table(60, 1), table(60, 2, age="old"), table(60, 3), [],
                              ["'age' was not compared", "1 column of 3 could not be compared"]),
    "other sizes": (table(10, 1), table(3_000, 2), table(40, 3), [], ["only 10 real rows"]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(EVALUATED))
def test_tables_that_can_hardly_be_judged_get_a_report_in_words(name, capsys, here):
    real, made, held, options, words = EVALUATED[name]
    for file, text in (("real", real), ("made", made), ("held", held)):
        (here / f"{file}.csv").write_text(text)
    argv = ["evaluate", "--real", "real.csv", "--synthetic", "made.csv", "--out", "out", "--effort", "quick"]
    argv += ["--target", "late", *(["--holdout", "held.csv"] if held else []), *options]
    assert main(argv) == 0
    shown = capsys.readouterr()
    assert "Warning" not in shown.err
    assert "Traceback" not in shown.err
    page = re.sub(r"<style.*?</style>", "", (here / "out" / "report.html").read_text(), flags=re.S)
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    for word in words:
        assert word in " ".join((shown.err + shown.out + text).split()), word
    for place in (text, *re.findall(r'="([^"]*)"', page), shown.out):
        found = re.search(r"(?<![\w'])(nan|NaN|inf|None(?! of)|True|False(?! alarm)|array)(?!\w)", place)
        assert found is None, place[max(0, found.start() - 60) : found.end() + 20]
    numbers = json.loads((here / "out" / "report.json").read_text())
    assert len(numbers["evidence"]["answers"]) == 5


@pytest.mark.parametrize(
    ("limits", "code", "verdict"),
    [
        ("tv.1way.max = 0.9", 0, "[pass]"),
        ("tv.1way.max = 0.0001", 1, "[fail]"),
        ("c2st.max = 0.5", 0, "[unclear]"),
        ("strict = true\nc2st.max = 0.5", 1, "[fail]"),
        ("no.such.max = 1", 1, "was not measured"),
    ],
)
def test_limits_beside_the_data_decide_the_exit_code(limits, code, verdict, capsys, here):
    """A ``locum.toml`` that holds nothing but limits and roles; columns are detected."""
    (here / "real.csv").write_text(table(60, 1))
    (here / "made.csv").write_text(table(60, 2))
    (here / "locum.toml").write_text(f'[evaluate]\ntarget = "late"\n[require]\n{limits}\n')
    argv = ["evaluate", "--real", "real.csv", "--synthetic", "made.csv", "--effort", "quick"]
    assert main(argv) == code
    shown = capsys.readouterr()
    assert verdict in " ".join(shown.out.split())
    assert "'late'" in shown.out
