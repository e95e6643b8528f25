"""The caller's side of `serving.py`: a long-lived process in another environment."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"  # made by `make bench`
OUTSIDE = HERE.parent / ".venv-torch" / "bin" / "python"  # made by `make bench-outsiders`


class Refused(RuntimeError):
    """The peer says that it cannot do what was asked."""


class Peer:
    """Runs arms of another environment on request; use as a context.

    Args:
        python: that environment's.
        serve: what runs there.
    """

    def __init__(self, python: Path, serve: str = "peers/serve.py"):
        if not python.exists():
            needs = Path("benchmarks", serve).parent / "requirements.txt"
            sys.exit(
                f"no environment at {python}. Make one: `python3.12 -m venv PATH && PATH/bin/pip install -r {needs}`, "
                "and give its PATH/bin/python"
            )
        self.process = subprocess.Popen(
            [str(python), str(HERE / serve)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def ask(self, **what) -> dict:
        """One request and its answer; an error of the peer is raised here."""
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer's process ended during {what}")
        reply = json.loads(line)
        if "error" in reply:
            raise Refused(reply["error"])
        return reply

    def gradient(self, key: str) -> dict[str, np.ndarray]:
        """Gradients of a prepared arm."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "gradients.npz"
            self.ask(do="gradient", key=key, to=str(path))
            with np.load(path) as saved:
                return dict(saved)
