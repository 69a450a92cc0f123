"""Every answer ever received, under the key of its request: what makes a run resumable and repeatable.

SQLite with a write-ahead log. An answer is committed before anybody sees it, so a process killed at any
moment has either not received it or never asks again. Source: the per-request caches of bespokelabs-curator
and DataDreamer as described in their documentation; the key by content and the table of given-up requests
are ours.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, FolderError
from locum.files.atomic import folder_error
from locum.files.json import dump, load
from locum.text.engine.request import Reply, Request
from locum.text.failures import Reason

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, reply BLOB NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS given_up (
    key TEXT PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, tries INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests answered and tokens used, by model name in the cache."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


class Cache:
    """Answers by request key.

    Parameters
    ----------
    path
        The file, made when absent; None keeps everything in memory (a preview).

    Raises
    ------
    FolderError
        When the file cannot be made or written.
    FileFormatError
        When the file is no cache.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=30.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            # The log survives the death of the process; only a power cut may lose the newest answers.
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA cache_size=-16000")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def get(self, request: Request, key: str | None = None) -> Reply | None:
        """The kept answer, or None."""
        rows = self._query("SELECT reply FROM answers WHERE key = ?", (key or request.key,))
        return Reply.from_json(load(rows[0][0], str(self.path))) if rows else None

    def put(self, request: Request, reply: Reply, key: str | None = None) -> None:
        """Keep an answer; it is safe against a kill when this returns. The first answer of a key stays."""
        key = key or request.key
        tokens = reply.prompt_tokens, reply.completion_tokens
        values = (key, request.model, dump(reply.to_json()), *tokens, time.time())
        self._query("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)", values)
        self._query("DELETE FROM given_up WHERE key = ?", (key,))

    def give_up(self, key: str, reason: Reason, detail: str, tries: int) -> None:
        """Remember that a request was given up, so that a replay loses the same rows."""
        self._query("INSERT OR REPLACE INTO given_up VALUES (?, ?, ?, ?)", (key, reason.value, detail, tries))

    def given_up(self, key: str) -> tuple[Reason, str, int] | None:
        """Reason, detail and tries of a request that was given up, or None."""
        rows = self._query("SELECT reason, detail, tries FROM given_up WHERE key = ?", (key,))
        return next(((Reason(reason), detail, tries) for reason, detail, tries in rows), None)

    def usage(self) -> dict[str, Usage]:
        """What all kept answers used, by model."""
        sums = "model, COUNT(*), SUM(tokens_in), SUM(tokens_out)"
        query = f"SELECT {sums} FROM answers GROUP BY model ORDER BY model"
        return {row[0]: Usage(*row[1:]) for row in self._query(query)}

    def token_counts(self) -> list[tuple[str, int, int]]:
        """Model, tokens of the prompt and of the answer, for each kept answer."""
        query = "SELECT model, tokens_in, tokens_out FROM answers ORDER BY key"
        return [(str(row[0]), int(row[1]), int(row[2])) for row in self._query(query)]

    def __len__(self) -> int:
        return int(self._query("SELECT COUNT(*) FROM answers")[0][0])

    def close(self) -> None:
        """Fold the log into the file and let go."""
        self._db.close()

    def _query(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def _refusal(self, error: sqlite3.Error) -> FileFormatError | FolderError:
        code = getattr(error, "sqlite_errorname", "") or ""
        if code.startswith("SQLITE_FULL"):
            return folder_error(OSError(28, "full"), str(self.path))
        if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
            do = "choose a place you may write to, or free some space"
            return FolderError("the request cache cannot be written", where=str(self.path), do=do)
        if code.startswith("SQLITE_BUSY"):
            return FolderError(
                "another process holds the request cache", where=str(self.path), do="wait for it"
            )
        return FileFormatError(
            "the request cache is not readable",
            where=str(self.path),
            do="delete the file, or use another folder",
        )
