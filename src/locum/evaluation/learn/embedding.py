"""Vectors of texts without torch and without a network: the mean of static vectors of their tokens.

The vectors are those that the package wordllama ships (256 numbers for each of 32,000 tokens); only its two
files are read, its code is not run: that would look for its tokenizer on the network. Source: WordLlama
(token embeddings of large models, reduced by training for mean pooling).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError

#: Length of a vector.
DIMENSIONS = 256
_WEIGHTS = ("weights", "l2_supercat_256.safetensors")
_TOKENIZER = ("tokenizers", "l2_supercat_tokenizer_config.json")
_BATCH = 256


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Vectors of unit length, one row a text; their dot products are cosine similarities.

    Parameters
    ----------
    texts
        Any texts; one without a token gets the zero vector.

    Returns
    -------
    float32 array of shape (len(texts), 256)

    Raises
    ------
    UsageError
        When the extra ``text`` is not installed.

    Notes
    -----
    Cost: about 0.2 ms a text of 30 words, and 0.3 s once for loading 35 MB.
    """
    table, tokenizer = _encoder()
    found = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for start in range(0, len(texts), _BATCH):
        batch = tokenizer.encode_batch(list(texts[start : start + _BATCH]), add_special_tokens=False)
        for i, encoded in enumerate(batch, start):
            if encoded.ids:
                found[i] = table[encoded.ids].mean(axis=0)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    found /= np.where(norms > 0, norms, np.float32(1))
    return found


def available() -> bool:
    """Whether the files are there."""
    return _files() is not None


@lru_cache(maxsize=1)
def _encoder() -> tuple[npt.NDArray[np.float32], Any]:
    files = _files()
    if files is None:
        raise UsageError(
            "the static encoder is not installed", where="embedding", do="pip install 'locum[text]'"
        )
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    table = load_file(files[0])["embedding.weight"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(files[1]))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return table, tokenizer


def _files() -> tuple[Path, Path] | None:
    spec = util.find_spec("wordllama")
    if spec is None or spec.origin is None or util.find_spec("tokenizers") is None:
        return None
    home = Path(spec.origin).parent
    files = home.joinpath(*_WEIGHTS), home.joinpath(*_TOKENIZER)
    return files if files[0].is_file() and files[1].is_file() else None
