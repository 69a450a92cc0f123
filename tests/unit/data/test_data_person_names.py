"""Names of persons are found by their look in many languages, and not among towns, firms and works."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from locum.data.detect import detect
from locum.data.person_column import judge_names
from locum.data.person_names import likeliest_locale, look_at, names_in
from locum.data.read import read

LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "ru_RU", "ja_JP", "zh_CN", "ko_KR", "ar_AA",
           "hi_IN", "sv_SE", "tr_TR", "el_GR", "he_IL", "hu_HU")  # fmt: skip
#: What a town, firm or film is called, some of them after persons.
OTHERS = {
    "towns": (
        "Jackson,Lincoln,Madison,Springfield,Georgetown,Charlotte,Austin,Houston,San Diego,"
        "Los Angeles,Phoenix,Dallas,Fort Worth,Columbus,Denver,Boston,Nashville,Paris,Florence,Salem,"
        "Franklin,Clinton,Dover,Arlington"
    ),
    "states": (
        "Virginia,West Virginia,Georgia,North Carolina,Alabama,Alaska,Arizona,Arkansas,California,"
        "Colorado,Delaware,Florida,Hawaii,Idaho,Illinois,Indiana,Iowa,Kansas,Kentucky,Louisiana,Maine,"
        "Maryland,Montana"
    ),
    "months": ("January,February,March,April,May,June,July,August,September,October,November,December"),
    "firms": (
        "Morgan Stanley,Johnson & Johnson,Ford Motor Company,Wells Fargo,Procter & Gamble,"
        "Berkshire Hathaway,Boeing,Goldman Sachs,Walt Disney Co,Eli Lilly,Deere & Company,"
        "Marsh McLennan,Charles Schwab Corp,3M,Pfizer Inc"
    ),
    "films": (
        "The Godfather,Annie Hall,Forrest Gump,Pulp Fiction,Star Wars,Jaws,Alien,Casablanca,Vertigo,"
        "Psycho,Taxi Driver,Raging Bull,Blade Runner,Die Hard,Citizen Kane,Chinatown,Goodfellas,"
        "Rear Window,Toy Story,Titanic"
    ),
    "streets": (
        "Maple Avenue,Washington Street,Kennedy Boulevard,Lincoln Road,Martin Way,Elm Street,"
        "Stewart Lane,Jones Square,Park Place,Lake Drive,Hill Court,King Street,Queen Street,"
        "Church Road,Mill Lane,Bridge Street"
    ),
    "cars": (
        "ford pinto,chevrolet impala,plymouth duster,amc hornet,toyota corona,datsun pl510,"
        "volkswagen rabbit,peugeot 504,audi 100ls,saab 99e,bmw 2002,dodge colt,mercury capri,"
        "pontiac catalina,buick skylark,fiat 128"
    ),
    "plants": (
        "Rosa canina,Iris germanica,Viola odorata,Lilium candidum,Quercus robur,Acer campestre,"
        "Salix alba,Betula pendula,Pinus sylvestris,Malus domestica,Prunus avium,Fagus sylvatica,"
        "Tilia cordata,Ulmus glabra"
    ),
    "colours": (
        "Amber,Ruby,Scarlet,Violet,Olive,Teal,Navy,Black,White,Green,Blue,Red,Yellow,Orange,Brown,Grey,Pink"
    ),
    "islands": ("Biscoe,Dream,Torgersen"),
    "brands": (
        "Gucci,Prada,Armani,Versace,Chanel,Dior,Nike,Adidas,Puma,Lacoste,Levi's,Zara,Boss,Hermes,Fendi,Gap"
    ),
}


def people(locale: str, n: int = 120) -> list[str]:
    fake = Faker(locale)
    fake.seed_instance(3)
    return list(dict.fromkeys(f"{fake.first_name()} {fake.last_name()}" for _ in range(n)))


@pytest.mark.parametrize("locale", LOCALES)
def test_full_names_are_found_under_any_name(locale: str) -> None:
    names = people(locale)
    verdict = judge_names("x7", names, len(names), 4 * len(names))
    assert verdict is not None
    assert verdict.personal
    assert verdict.sure


@pytest.mark.parametrize("locale", ["de_DE", "ru_RU", "fr_FR", "zh_CN"])
def test_names_are_made_in_their_language(locale: str) -> None:
    assert likeliest_locale(people(locale)) == locale


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("name", ["x7", "value", "label"])
def test_other_things_are_no_names(what: str, name: str) -> None:
    values = OTHERS[what].split(",")
    verdict = judge_names(name, values, len(values), 5 * len(values))
    assert verdict is None or not verdict.personal


def test_the_column_name_helps_and_hinders() -> None:
    """Half known names: personal under a person's name, asked about under none, nothing under a town's."""
    known, odd = people("en_US", 30)[:12], [f"Q{a}x{a}r Z{b}lk" for a in "aeiou" for b in "aeiouy"][:24]
    values = known + odd
    told = {name: judge_names(name, values, 36, 200) for name in ("patient", "x7", "town")}
    assert told["patient"] is not None and told["patient"].personal
    assert told["x7"] is not None and not told["x7"].personal and not told["x7"].sure
    assert told["town"] is None


def test_names_of_no_known_language_are_asked_about_where_the_column_says_person() -> None:
    values = [f"Q{a}x{a}r Z{b}lk" for a in "aeiou" for b in "aeiouy"]
    verdict = judge_names("customer", values, len(values), 200)
    assert verdict is not None
    assert verdict.personal
    assert not verdict.sure
    assert judge_names("x7", values, len(values), 200) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dr. med. Anna-Lena von der Heide", ["anna-lena", "heide"]),
        ("MEIER, Jörg", ["meier", "jorg"]),
        ("Ben Okri", ["ben", "okri"]),
        ("J. R. Ewing Jr.", ["ewing"]),
        ("Room 12", None),
        ("University of Leeds", None),
    ],
)
def test_words_of_a_name(text: str, words: list[str] | None) -> None:
    found = names_in(text)
    assert (None if found is None else found[0]) == words


def test_shares_are_shares_of_the_texts() -> None:
    look = look_at(["Anna Schmidt", "Room 12", "Emma", "x_1"])
    assert (look.shaped, look.full, look.both, look.first) == (0.5, 0.25, 0.25, 0.25)


def test_a_key_beside_a_name_is_no_label() -> None:
    rng = np.random.default_rng(0)
    names, who = people("it_IT", 60), rng.integers(0, 50, 600)
    keys = [f"k{rng.integers(10**9):09d}zz" for _ in names]
    frame = pd.DataFrame(
        {
            "x7": np.array(names)[who],
            "badge": np.array(keys)[who],
            "town": np.array(["Rom", "Bari", "Pisa"])[rng.integers(0, 3, 600)],
        }
    )
    kinds = {c.name: c.kind for c in detect(read(frame))}
    assert kinds == {"x7": "pii.name", "badge": "id", "town": "category"}


@pytest.mark.parametrize(("name", "kind"), [("login", "id"), ("status", "category")])
def test_names_to_log_in_with_are_ids(name: str, kind: str) -> None:
    frame = pd.DataFrame({name: [f"user{chr(97 + i % 26)}" for i in range(200)], "n": range(200)})
    assert detect(read(frame))[name].kind == kind


@pytest.mark.parametrize("odd", ["unknown sender", "see notes", "-"])
def test_a_few_odd_values_hide_nothing(odd: str) -> None:
    frame = pd.DataFrame({"q": [f"anna{i}@mail.example" if i % 10 else f"{odd} {i}" for i in range(100)]})
    assert detect(read(frame))["q"].kind == "pii.email"
