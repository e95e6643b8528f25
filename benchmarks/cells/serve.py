"""One simulator's side of the bench, in its own environment: answers JSON lines, so that arms can take turns.

python benchmarks/cells/serve.py ours|with_jaxley|with_braincell
"""

import importlib
import resource
import sys
import time
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "peers"), str(HERE.parent)]
warnings.filterwarnings("ignore")

from serving import channel, serve  # noqa: E402

answers = channel()

import jax  # noqa: E402
import numpy as np  # noqa: E402
from cases import Case  # noqa: E402

arms = importlib.import_module(sys.argv[1]).ARMS
ready, first = {}, {}


def build(case, arm, steps, dt):
    """Make and compile an arm: seconds until it could be called, and of its first call."""
    began = time.perf_counter()
    ready[arm] = arms[arm](Case(*case), steps, dt)
    made = time.perf_counter()
    first[arm] = np.asarray(ready[arm].call())
    return {"made": made - began, "first": time.perf_counter() - made}


def run(arm):
    """Seconds of one call, by the clock and of the processor; most memory of this process so far, MB."""
    clock, processor = time.perf_counter(), time.process_time()
    ready[arm].call()
    return {
        "clock": time.perf_counter() - clock, "processor": time.process_time() - processor,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def values(arm, to):
    """Save what the first call gave: voltages of the first compartments `[steps, cells]`, or gradients `[cells]`."""
    np.save(to, first[arm])
    return {}


def cost(arm):
    """Operations and bytes of one call, as the compiler counts them, where it can be asked."""
    return ready[arm].cost()


def drop():
    """Forget every arm."""
    ready.clear()
    first.clear()
    jax.clear_caches()
    return {}


DO = {
    "ready": lambda: {"jax": jax.__version__},
    "build": build,
    "run": run,
    "values": values,
    "cost": cost,
    "drop": drop,
}

if __name__ == "__main__":
    serve(answers, DO)
