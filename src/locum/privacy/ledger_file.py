"""The file of a ledger, and what is known of how far it was written: its head.

The lines of a ledger are sealed one to the other, which shows every change but one: whole lines cut off its
end, which would give budget back. So the head (the number of lines and the hash of the last) is kept
elsewhere: in a file beside the ledger, and for a ledger that several runs share also in the user's
configuration folder, under the ledger's own id. A ledger that does not go on from every head that is known is
refused. The order is line, disk, head, noise: a crash in between leaves a head that is one line behind, and
the line counts as spent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, FolderError
from locum.files import atomic
from locum.files.configuration import config_folder
from locum.files.json import load, pretty
from locum.files.lines import SealedLines, open_file
from locum.files.lock import lock

#: Ending of the file beside a ledger, and the folder of heads in the user's configuration folder.
HEAD_SUFFIX, REGISTRY = ".head", "ledgers"
#: Formats that are read; new ledgers have the last, and those of the first have no id.
FORMATS = (1, 2)
_ID, _HASH = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")
_WHAT = "privacy ledger"


@dataclass(frozen=True, slots=True)
class Head:
    """How far a ledger was written.

    Attributes
    ----------
    id
        Of the ledger; empty for ledgers of format 1, which have none.
    lines
        How many lines it has, its header included.
    head
        Hash of the last, which seals all before it.
    """

    id: str
    lines: int
    head: str

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)

    @classmethod
    def from_json(cls, obj: object, where: str = "head of a ledger") -> Head:
        """Rebuild a head; raises FileFormatError on anything `to_json` cannot have written."""
        fits = (
            isinstance(obj, dict)
            and set(obj) == {"id", "lines", "head"}
            and isinstance(obj["id"], str)
            and (not obj["id"] or _ID.fullmatch(obj["id"]))
            and type(obj["lines"]) is int
            and obj["lines"] >= 0
            and isinstance(obj["head"], str)
            and _HASH.fullmatch(obj["head"])
        )
        if not fits:
            raise FileFormatError(
                "this is not the head of a ledger",
                where=where,
                expected="what locum wrote beside the ledger",
                do="bring back the intact file",
            )
        assert isinstance(obj, dict)
        return cls(obj["id"], obj["lines"], obj["head"])


class LedgerFile(SealedLines):
    """The lines of a ledger, held against every head that is known.

    Parameters
    ----------
    path
        The file; made when it is missing.
    shared
        Whether several runs use it, so that its head is kept in the user's configuration folder as well.

    Raises
    ------
    FileFormatError
        When the file was changed by anything but appending, its end was cut off, or no head of it is known.
    FolderError
        When it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, shared: bool = False) -> None:
        self._shared = shared
        super().__init__(path, _WHAT)

    @property
    def id(self) -> str:
        """Random name that the ledger got when it was made; empty before, and for ledgers of format 1."""
        return _id_of(self.bodies[0], str(self.path)) if self.bodies else ""

    @property
    def mark(self) -> Head:
        """How far it is written now."""
        return Head(self.id, len(self.bodies), self.head)

    @property
    def head_path(self) -> Path:
        """The file beside the ledger that holds its head."""
        return self.path.with_name(self.path.name + HEAD_SUFFIX)

    def refresh(self) -> None:
        """Read what others have written since, and keep the head where a crash or a move left it behind."""
        super().refresh()
        if self._behind():
            with _registry_lock(self.id), self._locked():
                self._take_in()
                self._after()

    def append(self, make: Callable[[], dict[str, Any] | None]) -> None:
        """As `SealedLines.append`; copies of one ledger wait for each other, and only one of them goes on."""
        with _registry_lock(self.id):
            super().append(make)

    def check(self, known: Head, where: str) -> None:
        """Refuse when the ledger does not go on from a head that is known from `where`.

        Raises
        ------
        FileFormatError
            With what happened, and what to do.
        """
        if not known.lines:
            return
        if self.bodies and known.id != self.id:
            raise FileFormatError(
                f"this is another ledger than the one that {where} is about",
                where=str(self.path),
                do="bring back the ledger that was used before, or give a new ledger a name of its own",
            )
        if known.lines > len(self.bodies):
            raise FileFormatError(
                f"the end of the ledger is missing: of {known.lines} lines that were written according to "
                f"{where}, it has {len(self.bodies)}",
                where=str(self.path),
                do="bring back the whole file; what was spent does not come back",
            )
        if self.hash_at(known.lines) != known.head:
            raise FileFormatError(
                f"line {known.lines} of the ledger is not the one that was written according to {where}",
                where=str(self.path),
                do="bring back the file that was used last; a copy that went its own way cannot be added up",
            )

    def _take_in(self) -> None:
        super()._take_in()
        if self.bodies and self.bodies[0].get("format") not in FORMATS:
            raise FileFormatError(
                "the ledger was written by a later version of locum",
                where=str(self.path),
                do="use that version, or a newer one",
            )
        places = [self.head_path, *([_registered(self.id)] if self.id else [])]
        known = [(head, place) for place in places if (head := _read(place)) is not None]
        for head, place in known:
            self.check(head, str(place))
        if self.id and not known:
            raise FileFormatError(
                "the ledger came without its head, so that nobody can see whether its end was cut off",
                where=str(self.path),
                expected=f"the file {self.head_path.name} beside it",
                do="bring that file along from where the ledger was used last",
            )

    def _behind(self) -> bool:
        return bool(self.bodies) and any(_read(place) != self.mark for place in self._places())

    def _places(self) -> list[Path]:
        """Where the head is kept."""
        registered = [_registered(self.id)] if self.id else []
        return [self.head_path, *(p for p in registered if self._shared or p.exists())]

    def _before(self, body: dict[str, Any]) -> None:
        # A crash between the first line and its head must not leave a ledger that nobody can open.
        if not self.bodies:
            _keep(self.head_path, Head(_id_of(body, str(self.path)), 0, self.head))

    def _after(self) -> None:
        for place in self._places():
            _keep(place, self.mark)


def _id_of(header: dict[str, Any], where: str) -> str:
    found = header.get("id", "")
    if not isinstance(found, str) or (found and not _ID.fullmatch(found)):
        raise FileFormatError("the ledger has a name that cannot be", where=where)
    return found


def _registered(name: str) -> Path:
    return config_folder() / REGISTRY / f"{name}.json"


@contextmanager
def _registry_lock(name: str) -> Iterator[None]:
    """Held while a ledger whose head is in the configuration folder is written to, whichever copy it is."""
    place = _registered(name)
    if not (name and place.exists()):
        yield
        return
    with open_file(place.with_suffix(".lock"), atomic.OWNER_ONLY) as handle:
        lock(handle, wait=True)
        yield


def _read(place: Path) -> Head | None:
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise atomic.folder_error(error, place) from error
    return Head.from_json(load(content, str(place)), str(place))


def _keep(place: Path, head: Head) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=atomic.OWNER_ONLY_FOLDER)
        atomic.write_text(place, pretty(head.to_json()), private=True)
    except (OSError, FolderError) as error:
        what = error.what if isinstance(error, FolderError) else type(error).__name__
        raise FolderError(
            f"the head of a ledger cannot be kept ({what})",
            where=str(place),
            do="make the place writable; LOCUM_CONFIG_HOME names another configuration folder",
        ) from error
