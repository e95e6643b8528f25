: potassium that calcium opens, of Destexhe et al. 1994, as the library's `KCa` writes it

NEURON {
    SUFFIX KCa
    USEION k WRITE ik
    USEION ca READ cai
    RANGE g_KCa, E_K, Ca_half, beta
}
PARAMETER { g_KCa = 0.01 (S/cm2)  E_K = -95 (mV)  Ca_half = 0.025 (mM)  beta = 0.03 (/ms) }
ASSIGNED { v (mV)  celsius (degC)  ik (mA/cm2)  cai (mM)  limit  tau (ms) }
STATE { m }
INITIAL { rates(cai)  m = limit }
BREAKPOINT { SOLVE gates METHOD cnexp  ik = g_KCa * m^2 * (v - E_K) }
DERIVATIVE gates { rates(cai)  m' = (limit - m) / tau }
PROCEDURE rates(ca (mM)) {
    LOCAL c
    c = (ca / Ca_half)^2
    limit = c / (1 + c)
    tau = 1 / (3^((celsius - 22) / 10) * beta * (1 + c))
}
