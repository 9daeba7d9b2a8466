"""A check in a process of its own: what a plugin does to its process is said in words, and done to nobody else.

Its report is what a check hands over at its very end: a plugin that ends the process, or keeps it from going on, has
none.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from hypothesis.configuration import set_hypothesis_home_dir

from benchmark import errors
from benchmark.conformance import CHECKS
from benchmark.conformance.findings import Finding, Report, Severity
from benchmark.conformance.guard import LISTENER
from benchmark.defaults import CHECK_SECONDS
from benchmark.errors import BenchmarkError, PluginError
from benchmark.isolation.family import end_family
from benchmark.isolation.supervisor import how_it_ended
from benchmark.registry import STACKED, TARGET, find, kind_of, load
from benchmark.targets import has_target, load_target
from benchmark.targets.own import is_file

IMPORT = "its import"
"""What is under way before the first call."""


def check_apart(spec: str, kind: str = "", seconds: float = CHECK_SECONDS) -> Report:
    """Check a plugin in a process of its own.

    Args:
        spec: of the plugin.
        kind: a key of :data:`benchmark.conformance.CHECKS`; what it is found to be if not given.
        seconds: that its import and each of its calls may take.

    Raises:
        UsageError: there is no such plugin, or it refuses its parameters.
        PluginError: it cannot be loaded, ended the process, or did not return in time.
    """
    with _process(spec, kind) as (process, pipe):
        call = ""
        while True:
            try:
                # Until it is heard of first, it imports the harness, in time of its own.
                message = json.loads(pipe.recv_bytes()) if pipe.poll(seconds if call else None) else {}
            except EOFError:
                process.join()
                message = {}
            if not message:
                raise PluginError(f"{spec} was not checked to the end: during {call}, {_fate(process, seconds)}")
            if "report" in message:
                return _report(message["report"])
            if "error" in message:
                raise getattr(errors, message["error"])(message["text"])
            call = message["call"]


@contextmanager
def _process(spec: str, kind: str) -> Iterator[tuple[SpawnProcess, Connection[Any, Any]]]:
    """The process of a check, and what it speaks through; ended with all that it has started."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    # Spawned, not forked: threads of torch do not survive a fork.
    process = multiprocessing.get_context("spawn").Process(target=_check, args=(theirs, spec, kind))
    process.start()
    theirs.close()
    try:
        with ours:
            yield process, ours
    finally:
        with suppress(psutil.NoSuchProcess):
            end_family(psutil.Process(process.pid))
        process.kill()
        process.join()


def _fate(process: SpawnProcess, seconds: float) -> str:
    """Why nothing more is heard of a process."""
    if process.exitcode is None:
        return f"it took more than {seconds:g} seconds; if it needs longer, give it more with --seconds"
    return how_it_ended(process.exitcode, "")


def _report(content: Mapping[str, Any]) -> Report:
    """A report as it was before it was JSON."""
    findings = [Finding(**each | {"severity": Severity(each["severity"])}) for each in content["findings"]]
    return Report(**{**content, "findings": tuple(findings), "notes": tuple(content["notes"])})


def _check(pipe: Connection[Any, Any], spec: str, kind: str) -> None:
    """The life of the process: it says what it calls before it does, and in the end what was found."""
    # Ctrl-C reaches every process of the terminal; whoever waits for the report ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def tell(**message: Any) -> None:
        pipe.send_bytes(json.dumps(message).encode())

    tell(call=IMPORT)
    LISTENER.set(lambda call: tell(call=call))
    # Hypothesis keeps notes of the sources it meets in the working directory, unless told where else.
    with TemporaryDirectory(prefix="gan-extraction-bench-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            kind = kind or _kind(spec)
            report = CHECKS[kind](_plugin(kind, spec))
        except BenchmarkError as error:
            named = next(cls for cls in type(error).__mro__ if cls.__module__ == errors.__name__)
            tell(error=named.__name__, text=str(error))
        else:
            tell(report=asdict(report))


def _kind(spec: str) -> str:
    return TARGET if has_target(spec) or is_file(spec) else kind_of(spec)


def _plugin(kind: str, spec: str) -> Any:
    """What is to be checked: where nothing is set, the class itself, so that one that cannot be made can be tried."""
    if kind == TARGET:
        return load_target(spec)
    if kind == "extractor" or "," in spec or STACKED in spec:
        return load(kind, spec)
    return find(kind, spec)
