# %% 1
import brainscale
import brainstate
import brainunit as u
import jax.numpy as jnp


# %% 2
class GIF(brainstate.nn.Neuron):
    """
    Generalized Integrate-and-Fire Neuron Model

    Implements a neuron model with dual adaptive currents and dynamic threshold
    """

    def __init__(self, size, **kwargs):
        super().__init__(size, **kwargs)

        # Model parameters
        self.tau = 20.0 * u.ms  # Membrane time constant
        self.R = 100.0 * u.ohm  # Membrane resistance
        self.V_rest = -70.0 * u.mV  # Resting potential
        self.V_reset = -80.0 * u.mV  # Reset potential
        self.V_th_inf = -50.0 * u.mV  # Resting threshold

        # Adaptation parameters
        self.k1 = 0.1 / u.ms  # Adaptation current 1 decay rate
        self.k2 = 0.05 / u.ms  # Adaptation current 2 decay rate
        self.R1, self.R2 = 0.9, 0.8  # Decay coefficients during firing
        self.A1 = 10.0 * u.nA  # Adaptation current 1 increment
        self.A2 = 5.0 * u.nA  # Adaptation current 2 increment

        # Threshold dynamics parameters
        self.a = 0.1 / u.ms  # Threshold adaptation strength
        self.b = 0.02 / u.ms  # Threshold recovery strength

    def init_state(self, *args, **kwargs):
        # Adaptation currents (initialized to zero)
        self.I1 = brainscale.ETraceState(jnp.zeros(self.varshape) * u.nA)
        self.I2 = brainscale.ETraceState(jnp.zeros(self.varshape) * u.nA)

        # Membrane potential (randomly initialized near resting potential)
        self.V = brainscale.ETraceState(
            brainstate.random.normal(self.varshape) * 2.0 * u.mV + self.V_rest
        )

        # Dynamic threshold (randomly initialized)
        self.V_th = brainscale.ETraceState(
            brainstate.random.uniform(-52.0, -48.0, self.varshape) * u.mV
        )


# %% 3
# Create and initialize neuron population
gif_neurons = GIF(size=100)  # 100 neurons
gif_neurons.init_state()


# %% 4
print(f"Dimensions managed by each state variable: {gif_neurons.I1.num_state}")
print(f"Neuron population shape: {gif_neurons.I1.varshape}")


# %% 5
import braincell

# Instantiate a Morphology object
morphology = braincell.Morphology()

# Create individual sections using the creation methods
morphology.add_cylinder_section('soma', length=20 * u.um, diam=10 * u.um, nseg=1)  # Soma section
morphology.add_cylinder_section('axon', length=100 * u.um, diam=1 * u.um, nseg=2)  # Axon section
morphology.add_point_section(
    'dendrite',
    positions=[[0, 0, 0], [100, 0, 0], [200, 0, 0]] * u.um,
    diams=[2, 3, 2] * u.um,
    nseg=3
)  # Dendrite section with explicit points and diameters

# Connect the sections: axon and dendrite connected to soma
morphology.connect('axon', 'soma', parent_loc=1.0)  # Axon connects to soma at the end
morphology.connect('dendrite', 'soma', parent_loc=1.0)  # Dendrite connects to soma at the end

# Print a summary of the morphology
morphology


# %% 6
class ThreeCompartmentNeuron(braincell.MultiCompartment):
    def __init__(self, pop_size, morphology):
        super().__init__(pop_size, morphology=morphology)

    def init_state(self, *args, **kwargs):
        self.V = brainscale.ETraceGroupState(jnp.zeros(self.varshape) * u.mV)


# %% 7
multi_neuron = ThreeCompartmentNeuron(10, morphology)
multi_neuron.init_state()


# %% 8
print(f"Total number of compartments: {multi_neuron.V.num_state}")
print(f"State shape: {multi_neuron.V.varshape}")
print(f"Neuron population size: {multi_neuron.pop_size}")


# %% 9
class GIF_tree(brainstate.nn.Neuron):
    def init_state(self, *args, **kwargs):
        self.state = brainscale.ETraceTreeState(
            {
                'I1': jnp.zeros(self.varshape) * u.mA,
                'I2': jnp.zeros(self.varshape) * u.mA,
                'V': brainstate.random.random(self.varshape) * u.mV,
                'Vth': brainstate.random.uniform(1, 2, self.varshape) * u.mV
            }
        )


# %% 10
gif_tree = GIF_tree(5)
gif_tree.init_state()


# %% 11
print(f"Number of independent states in state tree: {gif_tree.state.num_state}")
