"""The run folder: one plan, a log of what happened, and outputs that are either whole or not there.

::

    plan.json     what the run is to do; changed only in what stages that are done do not depend on
    run.jsonl     what happened, one JSON object per line, appended and flushed
    ...           outputs; each complete as soon as it has its name
    .lock         held by the process that works here

A stage is done when its record in ``run.jsonl`` says so and every output it names still has the recorded
size and SHA-256. That is all there is to resuming: the same plan opens the folder and skips what is done.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from locum.errors import FileFormatError, FolderError, LocumError, UsageError
from locum.files import atomic
from locum.files.json import load, pretty
from locum.files.lines import JsonLines
from locum.files.lock import LOCK_NAME, FolderLock

PLAN = "plan.json"
LOG = "run.jsonl"
_MAX_PLAN = 16 * 2**20
_CHUNK = 1 << 20


class Stage:
    """A stage that is running: collects which files it made and what later runs should know about it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outputs: list[str] = []
        self.facts: dict[str, Any] = {}

    def output(self, *names: str) -> None:
        """Say that these files of the folder are complete."""
        self.outputs.extend(names)

    def fact(self, **facts: Any) -> None:
        """Record JSON-ready facts, which `RunFolder.facts` gives back, also after a resume."""
        self.facts.update(facts)


class RunFolder:
    """A run folder that this process works in; use as a context manager, or call `close`.

    Made by `RunFolder.start` (new or resumed) or `RunFolder.view` (read only).
    """

    def __init__(
        self,
        path: Path,
        plan: Mapping[str, Any],
        *,
        lock: FolderLock | None,
        resumed: bool,
        private: bool = False,
    ) -> None:
        self.path = path
        self.plan = plan
        #: Whether the folder held this plan already.
        self.resumed = resumed
        #: Where the plan differs from the one that the folder held, in words; those stages are done anew.
        self.changes: tuple[str, ...] = ()
        self._lock = lock
        self._private = private
        self._log = JsonLines(path / LOG, private=private)
        self._done = _finished_stages(self._log)
        self._checked: set[str] = set()

    @classmethod
    def start(
        cls,
        path: str | os.PathLike[str],
        plan: Mapping[str, Any],
        *,
        volatile: tuple[str, ...] = (),
        later: Mapping[str, Sequence[str]] | None = None,
        private: bool = False,
    ) -> RunFolder:
        """Make the folder, or take up the run that was begun in it.

        Parameters
        ----------
        path
            The folder; made with its parents. An empty one may exist.
        plan
            JSON-ready description of everything that decides the outputs.
        volatile
            Top-level keys of `plan` that may differ between runs without changing outputs (a time budget).
        later
            Top-level keys of `plan` that may differ from the plan in the folder, and the stages that depend
            on them: these are done anew, and all others are kept.
        private
            Whether the folder and its files are for their owner only.

        Raises
        ------
        FolderError
            When the path is a file, holds something else or a run with another plan, is in use by another
            process, or cannot be written to.
        """
        folder, wanted = Path(path), load(pretty(plan).encode(), "plan")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise FolderError("that is a file", where=str(path), do="choose another folder") from None
        except (OSError, ValueError) as error:
            raise _unusable(error, path) from error
        _refuse_foreign(folder)
        if private:
            _close_to_others(folder)
        lock = FolderLock(folder)
        try:
            resumed = (folder / PLAN).exists()
            there = read_plan(folder) if resumed else wanted
            redone = {k: v for k, v in (later or {}).items() if there.get(k) != wanted.get(k)}
            _compare(there, wanted, (*volatile, *redone), folder)
            _sweep(folder)
            if not resumed:
                atomic.write_text(folder / PLAN, pretty(wanted), private=private)
            made = cls(folder, wanted, lock=lock, resumed=resumed, private=private)
            if redone:
                made._reopen(there, redone)
            return made
        except BaseException:
            lock.release()
            raise

    @classmethod
    def view(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Open a folder for reading, without locking it.

        Raises
        ------
        UsageError
            When there is no such folder.
        FileFormatError
            When it is no run folder.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise UsageError("there is no such folder", where=str(path), do="check the path")
        return cls(folder, read_plan(folder), lock=None, resumed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes in; calling it again does nothing."""
        if self._lock is not None:
            self._lock.release()

    def file(self, name: str) -> Path:
        """Path of a file of the folder."""
        return self.path / name

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """Give a temporary path that becomes `name` when the block ends well (see `atomic.replacing`)."""
        self._must_hold()
        return atomic.replacing(self.path / name, private=self._private)

    def write_text(self, name: str, content: str) -> None:
        """Write a text file, all or nothing."""
        self._must_hold()
        atomic.write_text(self.path / name, content, private=self._private)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file, all or nothing."""
        self._must_hold()
        atomic.write_bytes(self.path / name, content, private=self._private)

    def log(self, event: str, **fields: Any) -> None:
        """Append one JSON object to ``run.jsonl`` and flush it; `fields` hold no data values."""
        self._must_hold()
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._log.append({"time": now, "event": event, **fields})

    def records(self) -> Iterator[dict[str, Any]]:
        """What happened so far, oldest first."""
        return self._log.records()

    def done(self, stage: str) -> bool:
        """Whether a stage was finished and its outputs are still what it wrote.

        Costs one reading of the outputs, once in the life of this object.
        """
        if stage not in self._done:
            return False
        if stage not in self._checked:
            if not all(_intact(self.path, n, entry) for n, entry in self._done[stage]["outputs"].items()):
                return False
            self._checked.add(stage)
        return True

    def facts(self, stage: str) -> dict[str, Any]:
        """What a finished stage recorded with `Stage.fact`; empty when it is not done."""
        return dict(self._done[stage]["facts"]) if stage in self._done else {}

    @contextmanager
    def stage(self, name: str, clock: Callable[[], float] = time.process_time) -> Iterator[Stage]:
        """Run one stage: log its start, then its outputs with checksums and its CPU seconds, or its failure.

        Raises
        ------
        FolderError
            When an output that the stage named is not there.
        """
        self._must_hold()
        stage = Stage(name)
        self._done.pop(name, None)
        self.log("started", stage=name)
        begin = clock()
        try:
            yield stage
        except BaseException as error:
            # Only our own messages are known to be free of data values.
            words = error.to_json() if isinstance(error, LocumError) else {"error": type(error).__name__}
            with suppress(FolderError):
                self.log("failed", stage=name, **words)
            raise
        outputs = {output: self._fingerprint(output) for output in stage.outputs}
        record = {"stage": name, "outputs": outputs, "facts": stage.facts, "cpu_s": round(clock() - begin, 3)}
        self.log("finished", **record)
        self._done[name] = record
        self._checked.add(name)

    def _reopen(self, there: Mapping[str, Any], redone: Mapping[str, Sequence[str]]) -> None:
        """Take over a plan that differs in `redone`: the stages that depend on it count as not done."""
        old, new = ({k: plan.get(k) for k in redone} for plan in (there, self.plan))
        self.changes = tuple(_differences(old, new))
        for stage in dict.fromkeys(s for stages in redone.values() for s in stages):
            # The log goes first: a crash after it leaves a stage that is done anew under the old plan.
            self.log("reopened", stage=stage)
            for name in self._done.pop(stage, {"outputs": {}})["outputs"]:
                if Path(name).name == name:
                    with suppress(OSError):
                        (self.path / name).unlink()
        atomic.write_text(self.path / PLAN, pretty(self.plan), private=self._private)

    def _fingerprint(self, name: str) -> dict[str, Any]:
        try:
            return fingerprint(self.path / name)
        except OSError as error:
            raise atomic.folder_error(error, self.path / name) from error

    def _must_hold(self) -> None:
        if self._lock is None:
            raise UsageError(
                "the folder was opened for reading", where=str(self.path), do="use RunFolder.start"
            )


def _close_to_others(folder: Path) -> None:
    """Make a folder and what lies in it readable by its owner only."""
    try:
        folder.chmod(atomic.OWNER_ONLY_FOLDER)
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink():
                path.chmod(atomic.OWNER_ONLY)
    except OSError as error:
        raise atomic.folder_error(error, folder) from error


def _refuse_foreign(folder: Path) -> None:
    """Touch nothing in a folder that is neither empty nor a run folder."""
    try:
        names = sorted(p.name for p in folder.iterdir())
    except OSError as error:
        raise atomic.folder_error(error, folder) from error
    others = [n for n in names if n != LOCK_NAME and not n.startswith(atomic.TEMPORARY_PREFIX)]
    if others and PLAN not in others:
        shown = ", ".join(others[:3]) + (", ..." if others[3:] else "")
        what = f"the folder holds other things already ({shown})"
        raise FolderError(what, where=str(folder), do="choose a new or empty folder")


def _sweep(folder: Path) -> None:
    """Remove what a killed run left unfinished: only the holder of the lock makes such files."""
    for leftover in folder.glob(f"{atomic.TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            leftover.unlink()


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan of a run folder; raises FileFormatError when there is none or it is not readable."""
    path = folder / PLAN
    try:
        with path.open("rb") as handle:
            content = handle.read(_MAX_PLAN + 1)
    except OSError:
        raise FileFormatError(
            f"the folder has no readable {PLAN}", where=str(folder), expected="a run folder made by locum"
        ) from None
    plan = load(content, str(path)) if len(content) <= _MAX_PLAN else None
    if not isinstance(plan, dict):
        raise FileFormatError("that is no plan", where=str(path), expected="a run folder made by locum")
    return plan


def fingerprint(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 of a file, as ``{"size": ..., "sha256": ...}``; raises OSError."""
    return {"size": path.stat().st_size, "sha256": atomic.file_sha256(path)}


def free_bytes(path: Path) -> int:
    """Free space where `path` is or would be made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def _finished_stages(log: JsonLines) -> dict[str, dict[str, Any]]:
    """Latest ``finished`` record of each stage, unless the stage was started or reopened after it."""
    done: dict[str, dict[str, Any]] = {}
    for record in log.records():
        stage = record.get("stage")
        if not isinstance(stage, str):
            continue
        if record.get("event") in ("started", "reopened"):
            done.pop(stage, None)
        whole = isinstance(record.get("outputs"), dict) and isinstance(record.get("facts"), dict)
        if record.get("event") == "finished" and whole:
            done[stage] = record
    return done


def _intact(folder: Path, name: str, entry: object) -> bool:
    path = folder / name
    try:
        # A folder from elsewhere must not make us read outside of it, or wait for a pipe.
        inside = path.resolve().is_relative_to(folder.resolve())
        return inside and path.is_file() and fingerprint(path) == entry
    except (OSError, ValueError):
        return False


def _compare(there: dict[str, Any], wanted: dict[str, Any], volatile: tuple[str, ...], folder: Path) -> None:
    old, new = ({k: v for k, v in plan.items() if k not in volatile} for plan in (there, wanted))
    if old == new:
        return
    changes = list(_differences(old, new))
    shown = "; ".join(changes[:4]) + ("; ..." if changes[4:] else "")
    raise FolderError(
        f"the folder holds a run with another plan ({shown})",
        where=str(folder),
        do="choose another folder, repeat the command that was used there, or delete the folder",
    )


def _differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Where two JSON values differ, as ``rows: 100 there, 200 now``."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key not in old or key not in new or old[key] != new[key]:
                place = f"{at}.{key}" if at else str(key)
                yield from _differences(old.get(key), new.get(key), place)
    else:
        yield f"{at}: {_short(old)} there, {_short(new)} now"


def _short(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _unusable(error: OSError | ValueError, path: str | os.PathLike[str]) -> FolderError:
    if isinstance(error, OSError):
        return atomic.folder_error(error, path)
    return FolderError("the name is not usable", where=repr(str(path)), do="choose another name")
