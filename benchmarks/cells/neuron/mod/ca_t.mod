: T-type calcium of Destexhe et al. 1996, as the library's `CaT` writes it

NEURON {
    SUFFIX CaT
    USEION ca READ cai WRITE ica
    RANGE g_Ca, Ca_out
}
PARAMETER { g_Ca = 0.002 (S/cm2)  Ca_out = 2 (mM) }
ASSIGNED { v (mV)  celsius (degC)  ica (mA/cm2)  cai (mM)  limit  tau (ms) }
STATE { r }
INITIAL { rates(v)  r = limit }
BREAKPOINT {
    SOLVE gates METHOD cnexp
    ica = g_Ca * (1 / (1 + exp(-(v + 59) / 6.2)))^2 * r * (v - 1000 * 8.314462618 * (celsius + 273.15) / (2 * 96485.33212) * log(Ca_out / cai))
}
DERIVATIVE gates { rates(v)  r' = (limit - r) / tau }
PROCEDURE rates(v (mV)) {
    limit = 1 / (1 + exp((v + 83) / 4))
    tau = (30.8 + (211.4 + exp((v + 115.2) / 5)) / (1 + exp((v + 86) / 3.2))) / 3^((celsius - 24) / 10)
}
