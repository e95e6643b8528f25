"""Spoken digits made by espeak-ng, as spikes of a cochlea, in files of the SHD layout; a program, never imported.

    python spoken.py FOLDER --train 2000 --test 500 --seed 0

Needs espeakng-loader (GPL-3.0, so it runs in this process alone; what it says is free), h5py, numpy and tqdm.
"""

import argparse
import ctypes
import sys
from pathlib import Path

import h5py
import numpy as np
from espeakng_loader import get_data_path, get_library_path
from tqdm import tqdm

WORDS = {
    "en": "zero one two three four five six seven eight nine".split(),
    "de": "null eins zwei drei vier fünf sechs sieben acht neun".split(),
}
ACCENTS = {"en": ("en-us", "en", "en-gb-scotland", "en-gb-x-rp"), "de": ("de",)}
# voices of the test are never heard in training
VOICES = {
    "train": ("m1", "m2", "m3", "m4", "m5", "m6", "f1", "f2", "f3", "Alex", "Andrea", "Denis", "Hugo", "Jacky", "Lee", "anika",
              "belinda", "boris", "david", "edward", "gustave", "iven", "linda", "max", "norbert", "quincy", "rob", "sandro"),
    "test": ("m7", "m8", "f4", "f5", "Annie", "Marco", "Michael", "adam", "benjamin", "ian", "steph", "travis"),
}  # fmt: skip
CHANNELS = 96  # of the cochlea, from 80 Hz to 7.5 kHz
HOP, FRAME = 1e-3, 20e-3  # s
PEAK = 250.0  # spikes per second of a channel at its loudest


class Espeak:
    """The speech synthesiser: text in, sound out."""

    RETRIEVAL, SYNCHRONOUS, UTF8 = 1, 0x02, 1
    RATE, PITCH, RANGE = 1, 3, 4

    def __init__(self):
        self.library, self.heard = ctypes.CDLL(get_library_path()), []
        data = str(Path(get_data_path()).parent).encode()
        self.sampling = self.library.espeak_Initialize(self.SYNCHRONOUS, 0, data, 0)
        if self.sampling <= 0:
            sys.exit(f"espeak-ng does not start with the data in {data.decode()}: reinstall espeakng-loader")
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.listen = kind(self._listen)  # kept, or it would be collected while the library calls it
        self.library.espeak_SetSynthCallback(self.listen)

    def _listen(self, samples, count, _) -> int:
        if samples and count > 0:
            self.heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, text: str, voice: str, rate: int, pitch: int, liveliness: int) -> np.ndarray:
        """Sound of a text, in -1 ... 1."""
        self.heard.clear()
        if self.library.espeak_SetVoiceByName(voice.encode()):
            sys.exit(f"espeak-ng has no voice {voice}: reinstall espeakng-loader")
        for what, value in ((self.RATE, rate), (self.PITCH, pitch), (self.RANGE, liveliness)):
            self.library.espeak_SetParameter(what, value, 0)
        content = text.encode() + b"\0"
        self.library.espeak_Synth(content, len(content), 0, 1, 0, self.UTF8, None, None)
        self.library.espeak_Synchronize()
        return np.concatenate(self.heard) / 32768


def filters(sampling: int, size: int) -> np.ndarray:
    """Triangular filters [CHANNELS, frequencies], equally spaced on the ear's scale (Glasberg & Moore, 1990)."""
    scale = lambda hertz: 21.4 * np.log10(1 + 0.00437 * hertz)
    edges = (10 ** (np.linspace(scale(80), scale(7500), CHANNELS + 2) / 21.4) - 1) / 0.00437
    at = np.fft.rfftfreq(size, 1 / sampling)
    low, middle, high = (edges[i : i + CHANNELS, None] for i in range(3))
    gain = np.clip(np.minimum((at - low) / (middle - low), (high - at) / (high - middle)), 0, None)
    nearest = np.abs(at - middle).argmin(1)  # low channels are narrower than the spacing of frequencies
    gain[np.arange(CHANNELS), nearest] = np.maximum(gain[np.arange(CHANNELS), nearest], 0.1)
    return gain / gain.sum(1, keepdims=True)


def cochleagram(sound: np.ndarray, sampling: int) -> np.ndarray:
    """Loudness [frames, CHANNELS] every millisecond, in 0 ... 1 over the last 50 dB, onsets louder than what stays."""
    size, hop = int(FRAME * sampling), int(HOP * sampling)
    sound = np.pad(sound, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ filters(sampling, size).T
    decibel = 10 * np.log10(power / power.max() + 1e-12)
    loud = np.clip(1 + decibel / 50, 0, 1)
    used, adapted = np.zeros(CHANNELS), np.empty_like(loud)
    for t, now in enumerate(loud):  # half of what lasts is lost, with 50 ms
        adapted[t] = np.maximum(now - 0.5 * used, 0)
        used += (now - used) * HOP / 50e-3
    return adapted


def spikes(loudness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times in s and channels: each channel fires when its loudness has summed up."""
    count = np.floor(np.cumsum(loudness**2 * PEAK * HOP, axis=0) + 0.5)
    when, unit = np.nonzero(np.diff(count, axis=0, prepend=np.zeros((1, CHANNELS))) > 0)
    return (when * HOP).astype(np.float32), unit.astype(np.uint16)


def trim(sound: np.ndarray) -> np.ndarray:
    """Without the silence before and after."""
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def record(espeak: Espeak, part: str, count: int, rng: np.random.Generator, path: Path) -> None:
    """`count` words, all equally often, each by a voice, an accent, a speed and a pitch drawn anew."""
    languages = [(language, word) for language, words in WORDS.items() for word in words]
    labels = rng.permutation(np.arange(count) % len(languages))
    times, units, speakers = [], [], []
    for label in tqdm(labels, desc=f"{part} words", disable=None, file=sys.stderr):
        (language, word), speaker = languages[label], rng.integers(len(VOICES[part]))
        voice = f"{rng.choice(ACCENTS[language])}+{VOICES[part][speaker]}"
        rate, pitch, liveliness = rng.integers(110, 200), rng.integers(25, 75), rng.integers(20, 80)
        sound = trim(espeak.say(word, voice, int(rate), int(pitch), int(liveliness)))
        when, unit = spikes(cochleagram(sound, espeak.sampling))
        times.append(when), units.append(unit), speakers.append(speaker)
    write(path, times, units, labels, speakers, part)


def write(path: Path, times, units, labels, speakers, part: str) -> None:
    """The layout of the Spiking Heidelberg Digits (Cramer and others, 2022)."""
    ragged = lambda rows, dtype: np.fromiter(rows, h5py.vlen_dtype(dtype), len(rows))
    with h5py.File(path, "w") as file:
        file.create_dataset("spikes/times", data=ragged(times, np.float32), dtype=h5py.vlen_dtype(np.float32))
        file.create_dataset("spikes/units", data=ragged(units, np.uint16), dtype=h5py.vlen_dtype(np.uint16))
        file["labels"] = labels.astype(np.uint16)
        offset = 0 if part == "train" else len(VOICES["train"])
        file["extra/speaker"] = np.array(speakers, np.uint16) + offset
        file["extra/keys"] = np.array([f"{w} ({l})".encode() for l, words in WORDS.items() for w in words])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--train", type=int, default=2000)
    arguments.add_argument("--test", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=0)
    asked, espeak = arguments.parse_args(), Espeak()
    for number, (part, count) in enumerate((("train", asked.train), ("test", asked.test))):
        record(espeak, part, count, np.random.default_rng((asked.seed, number)), asked.folder / f"{part}.h5")


if __name__ == "__main__":
    main()
