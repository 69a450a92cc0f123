"""Data dictionaries that are SQL: dumps, and the spellings of several databases."""

from __future__ import annotations

import pytest

from locum.data.dictionaries.read import read_dictionary


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_database_dump(tmp_path):
    text = """
CREATE TYPE public.mood AS ENUM ('sad', 'ok');
CREATE TABLE public.visits (
    id integer NOT NULL,
    patient integer NOT NULL,
    mood public.mood,
    ward character varying(3),
    age smallint NOT NULL,
    cost numeric(8,2) DEFAULT 0,
    note text,
    CONSTRAINT a CHECK (((age >= 0) AND (age < 111))),
    CONSTRAINT w CHECK (((ward)::text = ANY ((ARRAY['A'::varchar, 'B'::character varying])::text[])))
);
INSERT INTO public.visits VALUES (1, 2);
ALTER TABLE ONLY public.visits ADD CONSTRAINT k PRIMARY KEY (id);
ALTER TABLE ONLY public.visits ADD CONSTRAINT f FOREIGN KEY (patient) REFERENCES public.patients(id);
COMMENT ON COLUMN public.visits.age IS 'Age in years';
GRANT ALL ON TABLE public.visits TO someone;
"""
    found = read_dictionary(write(tmp_path, "dump.sql", text), "visits").entries
    assert (found["id"].kind, found["id"].nullable) == ("id", False)
    assert found["patient"].kind is None
    assert "refers to" in found["patient"].said[0]
    assert found["mood"].levels == ("sad", "ok")
    assert found["ward"].levels == ("A", "B")
    assert (found["age"].low, found["age"].high, found["age"].about) == (0, 110, "Age in years")
    assert (found["cost"].kind, found["cost"].decimals) == ("number", 2)
    assert found["note"].said == ("type TEXT",)


@pytest.mark.parametrize(
    "text",
    [
        "create table `t` (a enum('x','y') not null, n int unsigned, primary key (n)) engine=innodb;",
        "CREATE TABLE [dbo].[t] ([a] nchar(9) NOT NULL CHECK ([a] IN ('x','y')), [n] int PRIMARY KEY)\nGO\n",
        "CREATE TABLE t (a VARCHAR2(9) NOT NULL CHECK (a IN ('x','y')), n NUMBER(10) PRIMARY KEY);",
        "CREATE TABLE t (a TEXT NOT NULL CHECK (a IN ('x','y')), n INTEGER PRIMARY KEY AUTOINCREMENT);",
    ],
)
def test_sql_of_several_databases(tmp_path, text, caplog, capfd):
    found = read_dictionary(write(tmp_path, "t.sql", text)).entries
    assert (found["a"].kind, found["a"].levels, found["a"].nullable) == ("category", ("x", "y"), False)
    assert found["n"].kind == "id"
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_checks_that_are_understood_and_those_that_are_not(tmp_path):
    text = """CREATE TABLE t (
        a INT CHECK (a > 0 AND a <= 9), b INT CHECK (10 > b), c INT CHECK (c > 0 OR c < -9),
        d INT CHECK (d <> 3), e NUMERIC(4,1) CHECK (e > -1.5), f INT CHECK (NOT (f BETWEEN 1 AND 2)),
        g CHAR(1) CHECK (lower(g) IN ('x')),
        h INT CHECK (h IN (0, 1)), i INT CHECK (i >= 1) CHECK (i >= 5), j INT CHECK (a < j)
    )"""
    found = read_dictionary(write(tmp_path, "t.sql", text)).entries
    assert {name: (e.low, e.high) for name, e in found.items() if (e.low, e.high) != (None, None)} == {
        "a": (1, 9),
        "b": (None, 9),
        "e": (-1.5, None),
        "i": (5, None),
    }
    assert {name: e.levels for name, e in found.items() if e.levels} == {"h": ("0", "1")}


def test_keys(tmp_path):
    text = (
        "CREATE TABLE t (a INT, b INT, c TEXT, PRIMARY KEY (a, b), FOREIGN KEY (c) REFERENCES s (c), n INT)"
    )
    found = read_dictionary(write(tmp_path, "t.sql", text)).entries
    assert [(e.name, e.kind) for e in found.values()] == [
        ("a", "integer"),
        ("b", "integer"),
        ("c", None),
        ("n", "integer"),
    ]
