"""Several devices give one device's gradients; of examples only sums travel, of neurons only spikes, of traces nothing."""

import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from vestige.learn.mesh import checked_mesh

PROGRAM = Path(__file__).parent / "mesh_program.py"
I, H, B, T = 6, 16, 8, 11  # the program's


def start(*args):
    """The program in a process of its own, whose devices are virtual."""
    # a process that finds a GPU would count its devices instead. Virtual devices share one pool of threads, by default one
    # for each: a device that waits in two collectives at once would hold the thread that another needs to join them
    env = os.environ | {"JAX_PLATFORMS": "cpu", "NPROC": "128"}
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, args)],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def answer(process):
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def eight():
    return answer(start("d_rtrl batch,d_rtrl neuron"))


def right(found):
    return found["apart"] < 1e-12 and found["losses"] < 1e-12 and found["alive"] > 1e-6


def test_eight_devices_give_the_gradients_of_one(eight):
    assert eight["devices"] == 8 and eight["processes"] == 1
    assert right(eight["d_rtrl batch"]) and right(eight["d_rtrl neuron"])


def test_every_device_holds_its_share_of_the_trace(eight):
    assert eight["d_rtrl batch"]["pieces"] == eight["d_rtrl neuron"]["pieces"] == 8


def test_examples_meet_in_one_sum(eight):
    assert [kind for kind, _ in eight["d_rtrl batch"]["sent"]] == ["all-reduce"]


def test_of_neurons_only_spikes_travel(eight):
    sent = eight["d_rtrl neuron"]["sent"]
    assert any(kind == "all-gather" for kind, _ in sent)
    # inputs and spikes of a window (padded to the devices); a trace, or a gradient of the weights, has more numbers
    assert (
        max(math.prod(map(int, filter(None, shape.split(",")))) for _, shapes in sent for shape in shapes) <= T * B * 24
    )
    assert T * B * 24 < B * (I + H) * H
    # a weight's gradient is never summed over devices: each has its own neurons'
    summed = [shape for kind, shapes in sent if kind == "all-reduce" for shape in shapes]
    assert all(math.prod(map(int, filter(None, shape.split(",")))) < I * H for shape in summed), summed


@pytest.mark.slow
def test_both_axes_and_other_rules():
    cases = ["d_rtrl both", "es_d_rtrl batch", "es_d_rtrl neuron", "es_d_rtrl both"]
    found = answer(start(",".join(cases)))
    assert all(right(found[case]) for case in cases)


@pytest.mark.slow
def test_two_processes_give_the_gradients_of_one():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [start("d_rtrl both", rank, 2, f"127.0.0.1:{port}") for rank in range(2)]
    for found in map(answer, both):
        assert found["devices"] == 8 and found["processes"] == 2
        assert right(found["d_rtrl both"])


def test_what_a_mesh_cannot_be_is_refused(eight):
    assert "make batch_size a multiple of 8" in eight["refused"]
    with pytest.raises(ValueError, match="axes of the mesh"):
        checked_mesh(jax.sharding.Mesh(jax.devices()[:1], ("rows",)), 4)
    with pytest.raises(TypeError, match=r"jax\.sharding\.Mesh"):
        checked_mesh(8, 4)
