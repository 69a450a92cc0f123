"""Keys with a name, an end and a history: what `verify` says of a signer follows from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import locum
from locum.cli.main import main
from locum.errors import FileFormatError, UsageError
from locum.files.known_keys import FILE, KnownKey, changed, key_named, know, known_keys, own_path
from locum.files.passphrase import VARIABLE
from locum.files.signature import public_hex, signing_key
from locum.runs.keys import new_key, revoke_key, rotate_key, signer, trust_key
from locum.runs.release import release
from locum.runs.verify import verify

PHRASE = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    rows = "".join(f"{'abc'[i % 3]},{'xy'[i % 2]}\n" for i in range(400))
    (folder / "letters.csv").write_text("one,two\n" + rows)
    (folder / "locum.toml").write_text(
        'version = 1\n[schema.letters.one]\nkind = "category"\nlevels = ["a", "b", "c"]\n'
        '[schema.letters.two]\nkind = "category"\nlevels = ["x", "y"]\n'
    )
    locum.run(folder / "letters.csv", folder / "run", epsilon=3, synthesizer="independent", holdout=0.1)
    return folder / "run"


def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From now on the receiver's machine."""
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "receiver"))


def first_line(capsys: Any, *words: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(w) for w in words])
    return code, capsys.readouterr().out.splitlines()[0]


def test_the_first_line_says_who_signed_and_an_unknown_signer_is_never_in_order(
    home: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    bundle = tmp_path / "bundle"
    made = release(run, bundle)
    assert made.new_key and first_line(capsys, "verify", bundle) == (0, "In order.")
    elsewhere(monkeypatch, tmp_path)
    unknown = "Intact, but signed by an unknown signer."
    assert first_line(capsys, "verify", bundle) == (1, unknown)
    assert first_line(capsys, "verify", bundle, "--any-key") == (0, unknown)
    assert first_line(capsys, "verify", bundle, "--key", made.public_key) == (0, "In order.")
    assert first_line(capsys, "verify", bundle, "--key", "0" * 64) == (1, "NOT in order.")
    assert first_line(capsys, "keys", "trust", made.public_key, "--name", "hospital")[0] == 0
    assert first_line(capsys, "verify", bundle) == (0, "In order.")
    assert verify(bundle).signer == "hospital"
    (bundle / "card.md").write_text("other")
    assert first_line(capsys, "verify", bundle, "--any-key") == (1, "NOT in order.")


def test_what_a_signature_cannot_prove_is_said(home: Path, run: Path, tmp_path: Path, capsys: Any) -> None:
    release(run, tmp_path / "bundle")
    capsys.readouterr()
    main(["verify", str(tmp_path / "bundle")])
    assert "It cannot show that the computation was run as claimed" in capsys.readouterr().out


def test_a_revoked_key_makes_no_release_and_none_that_it_made_is_in_order(
    home: Path, run: Path, tmp_path: Path
) -> None:
    release(run, tmp_path / "bundle")
    revoke_key("own", "the laptop was stolen")
    failures = verify(tmp_path / "bundle", any_key=True).failures
    assert len(failures) == 1 and "revoked on" in failures[0] and "the laptop was stolen" in failures[0]
    assert not verify(tmp_path / "bundle", key=known_keys()[0].public_key).passed
    with pytest.raises(UsageError, match="revoked"):
        release(run, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(UsageError, match="revoked"):
        trust_key(known_keys()[0].public_key, "own")


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [("2000-01-01", "2001-01-01", "was good to"), ("2099-01-01", None, "is good from")],
)
def test_a_key_is_good_between_two_days_only(
    home: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: str, until: str, words: str
) -> None:
    made = release(run, tmp_path / "bundle")
    elsewhere(monkeypatch, tmp_path)
    trust_key(made.public_key, "hospital", since=since, until=until)
    assert any(words in f for f in verify(tmp_path / "bundle", any_key=True).failures)


def test_an_expired_key_of_ones_own_signs_nothing(home: Path, run: Path, tmp_path: Path) -> None:
    new_key(until="2001-01-01")
    with pytest.raises(UsageError, match="was good to 2001-01-01"):
        release(run, tmp_path / "bundle")


def test_a_key_with_a_passphrase_opens_with_that_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PHRASE)
    made = new_key("registry", passphrase=True)
    assert b"ENCRYPTED" in own_path("registry").read_bytes()
    assert own_path("registry").stat().st_mode & 0o077 == 0
    assert public_hex(signer("registry")[0]) == made.public_key
    monkeypatch.setenv(VARIABLE, "another passphrase")
    with pytest.raises(UsageError, match="does not open"):
        signer("registry")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(UsageError, match="nobody can be asked"):
        signer("registry")
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(UsageError, match="too short"):
        new_key("other", passphrase=True)
    assert not own_path("other").exists()


def test_a_rotation_is_followed_by_whoever_trusts_the_key_before(
    home: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = release(run, tmp_path / "before")
    new = rotate_key(out=tmp_path / "own-rotation.json")
    after = release(run, tmp_path / "after")
    assert after.public_key == new.public_key != old.public_key and new.vouched_by == old.public_key
    elsewhere(monkeypatch, tmp_path)
    rotation = tmp_path / "own-rotation.json"
    with pytest.raises(FileFormatError, match="not signed by a key that you trust"):
        trust_key(str(rotation))
    trust_key(old.public_key, "hospital")
    assert not verify(tmp_path / "after").passed
    assert trust_key(str(rotation)).name == "hospital"
    assert verify(tmp_path / "after").signer == "hospital" == verify(tmp_path / "before").signer
    # whoever holds the old key can sign nothing later, in the receiver's eyes
    assert next(k for k in known_keys() if k.public_key == old.public_key).until


def test_a_rotation_that_fails_leaves_the_old_key_in_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_key()
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(UsageError, match="too short"):
        rotate_key(out=tmp_path / "rotation.json", passphrase=True)
    with pytest.raises(UsageError, match="does not exist"):
        rotate_key(out=tmp_path / "nowhere" / "rotation.json")
    assert public_hex(signer(None)[0]) == made.public_key and known_keys() == (made,)


@pytest.mark.parametrize("part", ["new", "name", "date", "until", "signature", "old"])
def test_a_forged_rotation_is_not_followed(home: Path, tmp_path: Path, part: str) -> None:
    rotation = tmp_path / "own-rotation.json"
    new_key()
    rotate_key(out=rotation)
    told = json.loads(rotation.read_text())
    forged = {"new": "ab" * 32, "old": "ab" * 32, "name": "else", "date": "2001-01-01T00:00:00Z",
              "until": "2099-01-01T00:00:00Z", "signature": "00" * 64}  # fmt: skip
    rotation.write_text(json.dumps({**told, part: forged[part]}))
    before = known_keys()
    with pytest.raises(FileFormatError):
        trust_key(str(rotation))
    assert known_keys() == before


def test_names_files_and_days_that_cannot_be(home: Path, tmp_path: Path) -> None:
    for name in ("../evil", "", "a/b", "x" * 100):
        with pytest.raises(UsageError, match="cannot be the name"):
            new_key(name)
    with pytest.raises(UsageError, match="no day"):
        new_key("day", until="soon")
    with pytest.raises(UsageError, match="whose key"):
        trust_key("ab" * 32)
    with pytest.raises(UsageError, match="there is no key 'nobody'"):
        signer("nobody")
    new_key()
    with pytest.raises(UsageError, match="there is a key already"):
        new_key()
    assert [k.name for k in known_keys()] == ["own"]


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"format": 1, "keys": [{"name": "x"}]}', '{"format": 2, "keys": []}']
)
def test_a_broken_list_of_keys_is_told(home: Path, content: str) -> None:
    home.mkdir()
    (home / FILE).write_text(content)
    with pytest.raises(FileFormatError):
        known_keys()


def test_the_list_is_for_its_owner_and_keeps_what_is_known(home: Path) -> None:
    keys = [KnownKey(f"key {i}", f"{i:064x}", "2026-01-01T00:00:00Z") for i in range(3)]
    know(*keys)
    changed(keys[1], why="a note")
    assert [k.why for k in known_keys()] == ["", "a note", ""]
    assert (home / FILE).stat().st_mode & 0o077 == 0
    assert key_named(keys[2].fingerprint) == keys[2] == key_named(keys[2].public_key)


def test_the_commands_say_what_they_did(home: Path, capsys: Any) -> None:
    assert first_line(capsys, "keys", "list") == (
        0,
        "No key is known yet. Make one with `locum keys new`, or trust a sender's with `locum keys trust`.",
    )
    assert "Made the key own" in first_line(capsys, "keys", "new")[1]
    public = public_hex(signing_key(own_path("own")))
    assert main(["keys", "show", "own"]) == 0 and public in capsys.readouterr().out
    assert main(["keys", "rotate"]) == 0 and Path("own-rotation.json").is_file()
    capsys.readouterr()
    assert main(["keys", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [k["own"] for k in told["keys"]] == [True, True]
    assert main(["keys", "revoke", "own", "--why", "a test"]) == 0
    assert "Nothing that the key" in capsys.readouterr().out
    assert key_named("own").revoked


def test_what_is_said_of_a_key_fits_whose_it_is(home: Path, capsys: Any) -> None:
    """Who ends a key of somebody else has no receivers to tell."""
    theirs = new_key("mine").public_key
    assert main(["keys", "revoke", "mine", "--why", "lost"]) == 0
    assert "Tell receivers as well." in capsys.readouterr().out
    (home / FILE).unlink()
    own_path("mine").unlink()
    assert main(["keys", "trust", theirs, "--name", "sender", "--until", "2099-12-31"]) == 0
    assert "counts as signed by sender up to 2099-12-31." in capsys.readouterr().out
    assert main(["keys", "revoke", "sender", "--why", "lost"]) == 0
    assert "Tell receivers" not in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_said_to_be_missing(home: Path, capsys: Any) -> None:
    for words in (["verify", "nowhere"], ["release", "nowhere", "--out", "bundle"]):
        assert main(words) == 2
        assert "nowhere: there is no such folder" in capsys.readouterr().err


def test_a_second_key_takes_no_name_that_is_in_use(home: Path) -> None:
    trust_key("ab" * 32, "airport")
    for name in ("airport", "AIRPORT"):
        with pytest.raises(UsageError, match="another key is known"):
            trust_key("cd" * 32, name)
    trust_key("ab" * 32, "airport", until="2030-01-01")  # the same key again, with other days
    revoke_key("airport", "lost")
    assert trust_key("cd" * 32, "airport").public_key == "cd" * 32
