# %% 1
import brainstate 
import brainunit as u
import braintrace
import braintools
import brainpy


# %% 2
class LIF_Delta_Net(brainstate.nn.Module):
    def __init__(
        self,
        n_in,
        n_rec,
        tau_mem=5. * u.ms,
        V_th=1. * u.mV,
        spk_fun=braintools.surrogate.ReluGrad(),
        spk_reset: str = 'soft',
        rec_scale: float = 1.,
        ff_scale: float = 1.,
    ):
        super().__init__()

        # Using the LIF model in braintrace.nn
        self.neu = brainpy.state.LIF(n_rec, tau=tau_mem, spk_fun=spk_fun, spk_reset=spk_reset, V_th=V_th)

        # Constructing input and recurrent connection weights
        rec_init = braintools.init.KaimingNormal(rec_scale, unit=u.mV)
        ff_init = braintools.init.KaimingNormal(ff_scale, unit=u.mV)
        w_init = u.math.concatenate([ff_init([n_in, n_rec]), rec_init([n_rec, n_rec])], axis=0)

        # Using delta synaptic projections to construct input and recurrent connections
        self.syn = brainpy.state.DeltaProj(
            # Using the Linear model in braintrace.nn
            comm=braintrace.nn.Linear(n_in + n_rec, n_rec, w_init=w_init, b_init=braintools.init.ZeroInit(unit=u.mV)),
            post=self.neu
        )

    def update(self, spk):
        inp = u.math.concatenate([spk, self.neu.get_spike()], axis=-1)
        self.syn(inp)
        self.neu()
        return self.neu.get_spike()


# %% 3
class GRU_Net(brainstate.nn.Module):
    def __init__(
        self,
        n_in: int,
        n_rec: int,
        n_out: int,
        n_layer: int,
    ):
        super().__init__()

        # Building the GRU Layer
        self.layers = []
        for i in range(n_layer - 1):
            # Using the GRUCell model within braintrace.nn
            self.layers.append(braintrace.nn.GRUCell(n_in, n_rec))
            n_in = n_rec
        self.layers.append(braintrace.nn.GRUCell(n_in, n_out))

    def update(self, x):
        # Updating the GRU Layer
        for layer in self.layers:
            x = layer(x)
        return x


# %% 4
import jax
from typing import Callable


class LIF(brainpy.state.Neuron):
    """
    Leaky integrate-and-fire neuron model.
    """

    def __init__(
        self,
        size: brainstate.typing.Size,
        R: brainstate.typing.ArrayLike = 1. * u.ohm,
        tau: brainstate.typing.ArrayLike = 5. * u.ms,
        V_th: brainstate.typing.ArrayLike = 1. * u.mV,
        V_reset: brainstate.typing.ArrayLike = 0. * u.mV,
        V_rest: brainstate.typing.ArrayLike = 0. * u.mV,
        V_initializer: Callable = braintools.init.Constant(0. * u.mV),
        spk_fun: Callable = braintools.surrogate.ReluGrad(),
        spk_reset: str = 'soft',
        name: str = None,
    ):
        super().__init__(size, name=name, spk_fun=spk_fun, spk_reset=spk_reset)

        # parameters
        self.R = braintools.init.param(R, self.varshape)
        self.tau = braintools.init.param(tau, self.varshape)
        self.V_th = braintools.init.param(V_th, self.varshape)
        self.V_rest = braintools.init.param(V_rest, self.varshape)
        self.V_reset = braintools.init.param(V_reset, self.varshape)
        self.V_initializer = V_initializer

    def init_state(self, batch_size: int = None, **kwargs):
        # Here is the most critical step, we define an ETraceState class 
        # that describes the kinetic state of membrane potentials
        self.V = brainstate.HiddenState(
            braintools.init.param(self.V_initializer, self.varshape, batch_size))

    def reset_state(self, batch_size: int = None, **kwargs):
        self.V.value = braintools.init.param(self.V_initializer, self.varshape, batch_size)

    def get_spike(self, V=None):
        V = self.V.value if V is None else V
        v_scaled = (V - self.V_th) / (self.V_th - self.V_reset)
        return self.spk_fun(v_scaled)

    def update(self, x=0. * u.mA):
        last_v = self.V.value
        lst_spk = self.get_spike(last_v)
        V_th = self.V_th if self.spk_reset == 'soft' else jax.lax.stop_gradient(last_v)
        V = last_v - (V_th - self.V_reset) * lst_spk
        # membrane potential
        dv = lambda v: (-v + self.V_rest + self.R * self.sum_current_inputs(x, v)) / self.tau
        V = brainstate.nn.exp_euler_step(dv, V)
        V = self.sum_delta_inputs(V)
        self.V.value = V
        return self.get_spike(V)


# %% 5
def generate_weight(
    n_in, n_out, init: Callable = braintools.init.KaimingNormal()
) -> braintrace.ETraceParam:
    weight = init([n_in, n_out])
    bias = braintools.init.ZeroInit()([n_out])
    
    # Here is the most crucial step, we define an ETraceParam class to describe the weight matrix and bias vector
    return braintrace.ETraceParam(
        {'weight': weight, 'bias': bias},  # model parameters
        braintrace.MatMulOp()  # operation
    )


# %% 6
class Linear(brainstate.nn.Module):
    """
    Linear layer.
    """
    def __init__(
        self,
        in_size: brainstate.typing.Size,
        out_size: brainstate.typing.Size,
        w_init: Callable = braintools.init.KaimingNormal(),
    ):
        super().__init__()

        # input and output shape
        self.in_size = in_size
        self.out_size = out_size

        # weights
        weight = braintools.init.param(w_init, [self.in_size[-1], self.out_size[-1]], allow_none=False)
        
        # operation
        op = braintrace.MatMulOp()
        
        # Here is the most crucial step, we define an ETraceParam class to describe the weight matrix and operations
        self.weight_op = braintrace.ETraceParam(weight, op)

    def update(self, x):
        # Operation of ETraceParam
        return self.weight_op.execute(x)


# %% 7
with brainstate.environ.context(dt=0.1 * u.ms):

    # Define a simple recurrent neural network composed of LIF neurons
    model = LIF_Delta_Net(10, 10)
    brainstate.nn.init_all_states(model)
    
    # The model is fed into an online learning algorithm with a view to online learning
    model = braintrace.IODimVjpAlgorithm(model, decay_or_rank=0.99)
    
    # Compile the model's eligibility trace based on one input data. 
    # Thereafter, the model is called to update not only the state 
    # of the model, but also the model's eligibility trace
    example_input = brainstate.random.random(10) < 0.1
    model.compile_graph(example_input)


# %% 8
with brainstate.environ.context(dt=0.1 * u.ms):
    
    out = model(example_input)

# The eligibility trace of the model's pre-synaptic neural 
# activity trace can be obtained by calling "model.etrace_xs"
brainstate.util.PrettyMapping(model.etrace_xs)


# %% 9
# The eligibility trace of the model's post-synaptic neural 
# activity trace can be obtained by calling "model.etrace_dfs"
brainstate.util.PrettyMapping(model.etrace_dfs)
