"""Spoken digits as the spikes of a cochlea: recordings in files of the SHD layout, or words that a synthesiser says."""

import json
import subprocess
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .base import DataError, Split, Task
from .files import cache_folder, content
from .shd import Words, read
from .voice import Voice, vary

GENERATOR = Path(__file__).parent / "generator" / "spoken.py"
PARTS = ("train", "test")
TOOLS = ("h5py", "espeakng_loader", "tqdm")


def speech(
    folder: str | Path | None = None, *, words: tuple[int, int] = (2000, 500), seed: int = 0, dt: float = 10.0,
    steps: int | None = None, merge: int = 1, variation: Voice | None = None,
) -> Task:  # fmt: skip
    """Digits in English and German, twenty classes: 96 units, steps of 10 ms (80 hold nearly all words, 124 the longest).

    Without a folder the words are synthetic: espeak-ng says them once, in a process of its own (a minute or two), with
    accents, speeds and pitches drawn anew for each word, and a model of the cochlea turns sound into spikes. They are kept
    in the user's cache folder with their checksums. Split: 28 voices to train on, 12 others to test.

    With a folder, `shd_train.h5` and `shd_test.h5` (or `train.h5` and `test.h5`) are read as they are: `spikes/times`,
    `spikes/units`, `labels`, and if there `extra/speaker` and `extra/keys`. The Spiking Heidelberg Digits have 700
    units; `merge=5` makes 140 inputs of them.

    A unit is on in a step if it fired in it. The baseline sees how often each unit fires.
    Shapes: x [N, steps, units / merge] of bool; `source` is the speaker.
    Data: B. Cramer and others, The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural
    Networks, IEEE Trans. Neural Netw. Learn. Syst. 33, 2744 (2022), CC BY 4.0. Synthetic words: free; espeak-ng itself is
    GPL-3.0 and no part of vestige.

    Args:
        folder: of the two files; None: synthetic words.
        words: how many to make, to train on and to test.
        seed: of the synthetic words.
        dt: length of a step in ms.
        steps: number of steps; None: as the longest word needs. Spikes after the last step are left out.
        merge: neighbouring units that become one.
        variation: how training words vary from epoch to epoch, such as `Voice()`; None: not at all.

    Raises:
        DataError: files are missing, broken or changed, or the tools to make them are not installed.
    """
    if not dt > 0 or merge < 1 or (steps is not None and steps < 1) or min(words) < 1:
        raise ValueError(f"speech: dt, merge, steps and words must be positive, got {dt}, {merge}, {steps}, {words}")
    seen, unseen = synthetic(*words, seed) if folder is None else (read(path) for path in find(folder))
    last = max(seen.latest, unseen.latest)
    shape = steps or int(last / dt * 1000) + 1, max(seen.units, unseen.units)
    names = seen.keys or tuple(str(n) for n in range(int(max(seen.labels.max(), unseen.labels.max())) + 1))
    if max(seen.labels.max(), unseen.labels.max()) >= len(names):
        raise DataError(
            f"labels go up to {max(seen.labels.max(), unseen.labels.max())}, but `extra/keys` has {len(names)} names"
        )
    splits = (_split(part, shape, dt, merge) for part in (seen, unseen))
    redraw = lambda rng: _split(vary(rng, seen, variation, shape[1]), shape, dt, merge)
    about = "spoken digits in two languages, unseen voices"
    return Task("speech", about, *splits, names, redraw if variation else None)


def find(folder: str | Path) -> list[Path]:
    """The training and the test file in a folder."""
    found = []
    for part in PARTS:
        names = [f"shd_{part}.h5", f"{part}.h5"]
        there = [Path(folder) / name for name in names if (Path(folder) / name).is_file()]
        if not there:
            raise DataError(
                f"there is no {' or '.join(names)} in {folder}: unpack them there, or make them with `speech()`"
            )
        found.append(there[0])
    return found


def kept(train: int, test: int, seed: int) -> Path:
    """Folder of these synthetic words in the cache; another generator makes another folder."""
    version = sha256(GENERATOR.read_bytes()).hexdigest()[:8]
    return cache_folder() / f"speech-{train}-{test}-{seed}-{version}"


def synthetic(train: int, test: int, seed: int) -> list[Words]:
    """Words from the cache, made first if they are not there. Their bytes are compared with the sums noted when made."""
    folder = kept(train, test, seed)
    if not (folder / "sums.json").exists():
        make(folder, train, test, seed)
    again = f"remove the folder {folder}, and they are made again"
    try:
        sums = json.loads(content(folder / "sums.json", "the sums of the synthetic words", again))
        known = [sums[part] for part in PARTS]
    except (ValueError, KeyError, TypeError) as e:
        raise DataError(f"{folder / 'sums.json'} is no list of sums ({e!r}); {again}") from e
    return [read(folder / f"{part}.h5", total, again) for part, total in zip(PARTS, known)]


def ready(train: int = 2000, test: int = 500, seed: int = 0) -> None:
    """Are the synthetic words there, or can they be made?

    Raises:
        DataError: neither; says what to install.
    """
    if not (kept(train, test, seed) / "sums.json").exists():
        _need_tools()


def make(folder: Path, train: int, test: int, seed: int) -> None:
    """Let the generator say the words, in its own process; the folder appears whole or not at all.

    Raises:
        DataError: a tool is missing, or the generator failed; what it said is on standard error.
    """
    _need_tools()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".speech-") as draft:
            print(f"making {train + test} spoken words with espeak-ng, once -> {folder}", file=sys.stderr, flush=True)
            asked = [sys.executable, str(GENERATOR), draft, "--train", train, "--test", test, "--seed", seed]
            done = subprocess.run([str(word) for word in asked], check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise DataError(f"{GENERATOR.name} ended with status {done.returncode}; what it said is above")
            sums = {part: sha256((Path(draft) / f"{part}.h5").read_bytes()).hexdigest() for part in PARTS}
            (Path(draft) / "sums.json").write_text(json.dumps(sums))
            _publish(Path(draft), folder)
    except OSError as e:
        raise DataError(
            f"cannot keep the synthetic words in {folder}: {e}; set VESTIGE_CACHE to a folder of yours"
        ) from e


def _need_tools() -> None:
    if missing := [tool for tool in TOOLS if find_spec(tool) is None]:
        raise DataError(
            f"the synthetic words of `speech` need {', '.join(missing)}: pip install 'vestige[speech]', "
            "or give a folder with files of the SHD layout"
        )


def _publish(draft: Path, folder: Path) -> None:
    """Files first, their sums last: without sums the folder counts as empty."""
    folder.mkdir(exist_ok=True)
    for name in (*(f"{part}.h5" for part in PARTS), "sums.json"):
        (draft / name).replace(folder / name)


def _split(words: Words, shape: tuple[int, int], dt: float, merge: int) -> Split:
    steps, units = shape[0], -(-shape[1] // merge)
    x = np.zeros((len(words), steps, units), bool)
    counts = np.zeros((len(words), units), np.float32)
    for n, (time, unit) in enumerate(zip(words.times, words.channels)):
        step = (time * 1000 / dt).astype(int)
        x[n, step[step < steps], unit[step < steps] // merge] = True
        np.add.at(counts[n], unit // merge, 1)
    return Split(x, words.labels, counts, words.speakers)
