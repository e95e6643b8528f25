"""Streams in processes of their own: one that is killed goes on with the same numbers; memory is that of the first minute."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("stream_program.py")


def start(path, items, late):
    env = os.environ | {"JAX_PLATFORMS": "cpu"}
    args = [sys.executable, str(PROGRAM), str(path), str(items), str(late)]
    return subprocess.Popen(args, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def last(process):
    out, err = process.communicate(timeout=1200)
    assert process.returncode == 0, err[-3000:]
    return out.splitlines()[-1].split(maxsplit=2)


@pytest.mark.slow
def test_a_killed_process_goes_on_with_the_same_numbers(tmp_path):
    wanted = last(start(tmp_path / "whole.npz", 400, 9))
    for at in (60, 333, 610):
        process = start(tmp_path / "cut.npz", 400, 9)
        for line in process.stdout:
            if int(line) >= at:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert (tmp_path / "cut.npz").exists()
    found = last(start(tmp_path / "cut.npz", 400, 9))
    assert found[2] == wanted[2]


@pytest.mark.slow
def test_memory_is_flat(tmp_path):
    peaks = [int(last(start(tmp_path / f"{items}.npz", items, 20))[1]) for items in (1_000, 30_000)]
    assert peaks[1] < 1.05 * peaks[0]
