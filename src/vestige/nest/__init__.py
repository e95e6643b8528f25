"""NEST's neuron models under their own names, with its parameters and its steps."""

from .eprop_iaf_adapt_bsshslm_2020 import eprop_iaf_adapt_bsshslm_2020
from .eprop_iaf_bsshslm_2020 import eprop_iaf_bsshslm_2020
from .eprop_readout_bsshslm_2020 import cross_entropy, eprop_readout_bsshslm_2020, mean_squared_error
from .iaf_bw_2001_exact import iaf_bw_2001_exact
from .iaf_psc_exp import iaf_psc_exp
from .neuron import NESTNeuron

__all__ = [
    "NESTNeuron", "cross_entropy", "eprop_iaf_adapt_bsshslm_2020", "eprop_iaf_bsshslm_2020",
    "eprop_readout_bsshslm_2020", "iaf_bw_2001_exact", "iaf_psc_exp", "mean_squared_error",
]  # fmt: skip
