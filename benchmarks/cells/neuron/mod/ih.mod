: the current that hyperpolarisation opens, of Huguenard and McCormick 1992, as the library's `Ih` writes it

NEURON {
    SUFFIX Ih
    NONSPECIFIC_CURRENT i
    RANGE g_h, E_h
}
PARAMETER { g_h = 2e-5 (S/cm2)  E_h = -43 (mV) }
ASSIGNED { v (mV)  celsius (degC)  i (mA/cm2)  limit  tau (ms) }
STATE { r }
INITIAL { rates(v)  r = limit }
BREAKPOINT { SOLVE gates METHOD cnexp  i = g_h * r * (v - E_h) }
DERIVATIVE gates { rates(v)  r' = (limit - r) / tau }
PROCEDURE rates(v (mV)) {
    limit = 1 / (1 + exp((v + 75) / 5.5))
    tau = 1 / (3^((celsius - 36) / 10) * (exp(-14.6 - 0.086 * v) + exp(-1.87 + 0.0701 * v)))
}
