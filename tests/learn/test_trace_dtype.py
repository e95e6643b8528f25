"""A learner whose traces are kept in bfloat16: online steps, files, continuation."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from nets import N_IN, N_OUT, Memory, built, loss

import vestige as vg
from vestige.learn.checkpoint import load, save


def test_half_traces_live_through_online_steps_and_files(tmp_path):
    learner = built(vg.D_RTRL, Memory, dtype=jnp.bfloat16)
    online = vg.Online(learner, loss=loss, optimizer=optax.sgd(0.1))
    for _ in range(2):
        online(jnp.ones(N_IN), jnp.ones(N_OUT))
    online.save()
    traces = jax.tree.leaves(learner.memory[0])
    assert all(a.dtype == jnp.bfloat16 and jnp.abs(a).max() > 0 for a in traces)
    back, _ = load(
        save(tmp_path / "trace.npz", learner.memory[0]), built(vg.D_RTRL, Memory, dtype=jnp.bfloat16).memory[0]
    )
    for a, b in zip(jax.tree.leaves(back), traces, strict=True):
        assert a.dtype == b.dtype and (np.asarray(a, float) == np.asarray(b, float)).all()
