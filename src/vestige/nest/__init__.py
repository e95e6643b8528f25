"""NEST's neuron models under their own names, with its parameters and its steps."""

from .aeif_cond_alpha import aeif_cond_alpha
from .aeif_cond_exp import aeif_cond_exp
from .connect import all_to_all, blocks, fixed_indegree, from_csr, from_indices, from_mask, one_to_one
from .delay import DelayLine
from .eprop_iaf import eprop_iaf
from .eprop_iaf_adapt import eprop_iaf_adapt
from .eprop_iaf_adapt_bsshslm_2020 import eprop_iaf_adapt_bsshslm_2020
from .eprop_iaf_bsshslm_2020 import eprop_iaf_bsshslm_2020
from .eprop_iaf_psc_delta import eprop_iaf_psc_delta
from .eprop_iaf_psc_delta_adapt import eprop_iaf_psc_delta_adapt
from .eprop_readout import eprop_readout
from .eprop_readout_bsshslm_2020 import cross_entropy, eprop_readout_bsshslm_2020, mean_squared_error
from .gif_psc_exp import gif_psc_exp
from .glif_psc import glif_psc
from .hh_psc_alpha import hh_psc_alpha
from .iaf_bw_2001 import iaf_bw_2001
from .iaf_bw_2001_exact import iaf_bw_2001_exact
from .iaf_cond_alpha import iaf_cond_alpha
from .iaf_cond_exp import iaf_cond_exp
from .iaf_psc_alpha import iaf_psc_alpha
from .iaf_psc_delta import iaf_psc_delta
from .iaf_psc_exp import iaf_psc_exp
from .izhikevich import izhikevich
from .neuron import NESTNeuron
from .nmda_source import NMDASource
from .plots import psychometric, raster, traces
from .projection import Opening, Projection
from .record import multimeter, spike_recorder, stamps
from .sources import inhomogeneous_poisson_generator, poisson_generator, spike_generator

__all__ = [
    "DelayLine", "NESTNeuron", "NMDASource", "Opening", "Projection", "aeif_cond_alpha", "aeif_cond_exp",
    "all_to_all", "blocks", "cross_entropy", "eprop_iaf", "eprop_iaf_adapt",
    "eprop_iaf_adapt_bsshslm_2020", "eprop_iaf_bsshslm_2020", "eprop_iaf_psc_delta", "eprop_iaf_psc_delta_adapt",
    "eprop_readout", "eprop_readout_bsshslm_2020", "fixed_indegree", "from_csr", "from_indices", "from_mask", "gif_psc_exp",
    "glif_psc", "hh_psc_alpha", "iaf_bw_2001", "iaf_bw_2001_exact", "iaf_cond_alpha", "iaf_cond_exp",
    "iaf_psc_alpha", "iaf_psc_delta", "iaf_psc_exp", "inhomogeneous_poisson_generator", "izhikevich",
    "mean_squared_error", "multimeter", "one_to_one", "poisson_generator", "psychometric", "raster", "spike_generator",
    "spike_recorder", "stamps", "traces",
]  # fmt: skip
