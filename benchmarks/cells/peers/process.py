"""A simulator's process, asked over a pipe; one that takes too long is ended and begun anew."""

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SERVE = Path(__file__).parents[1] / "serve.py"
SOURCE = Path(__file__).parents[3] / "src"


class Refused(Exception):
    """The simulator cannot do this, or not in time."""


class Process:
    """`module` of serve.py, run by this Python."""

    def __init__(self, python: Path, module: str, bits: int, log: Path):
        self.python, self.module, self.log = python, module, log
        wide = {"JAX_ENABLE_X64": "1"} if bits == 64 else {}
        self.env = {
            **os.environ, **wide, "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1",
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "PYTHONPATH": str(SOURCE),
        }  # fmt: skip
        self.process: subprocess.Popen | None = None

    def begin(self) -> subprocess.Popen:
        if self.process is None:
            self.process = subprocess.Popen(
                [str(self.python), str(SERVE), self.module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self.log.open("a"), text=True, env=self.env,
            )  # fmt: skip
            self.ask(60.0, do="ready")
        return self.process

    def ask(self, seconds: float, **what) -> dict:
        """One request, and its answer within so many seconds."""
        process = self.process or self.begin()
        process.stdin.write(json.dumps(what) + "\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], seconds)[0]:
            self.end()
            raise Refused(f"more than {seconds:.0f} s")
        line = process.stdout.readline()
        if not line:
            self.end()
            raise Refused(f"its process ended; see {self.log}")
        reply = json.loads(line)
        if "error" in reply:
            raise Refused(reply["error"])
        return reply

    def values(self, arm: str) -> np.ndarray:
        """What an arm's first call gave."""
        with tempfile.TemporaryDirectory() as folder:
            to = Path(folder) / "values.npy"
            self.ask(60.0, do="values", arm=arm, to=str(to))
            return np.load(to)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def pinned() -> None:
    """This process and those it begins share one core from here on: one thread each, and one at a time."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
