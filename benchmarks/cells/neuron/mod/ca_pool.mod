: calcium under the membrane, of Destexhe, Babloyantz and Sejnowski 1993, as the library's `CaPool` writes it

NEURON {
    SUFFIX CaPool
    USEION ca READ ica WRITE cai
    RANGE depth, tau, rest
}
PARAMETER { depth = 0.1 (um)  tau = 5 (ms)  rest = 2.4e-4 (mM) }
ASSIGNED { ica (mA/cm2)  drive (mM/ms) }
STATE { cai (mM) }
INITIAL { cai = rest }
BREAKPOINT { SOLVE pool METHOD cnexp }
DERIVATIVE pool {
    drive = -1e4 * ica / (2 * 96485.33212 * depth)
    if (drive < 0) { drive = 0 }
    cai' = drive + (rest - cai) / tau
}
