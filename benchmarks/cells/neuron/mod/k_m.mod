: M-type potassium of Yamada, Koch and Adams 1989, as the library's `KM` writes it

NEURON {
    SUFFIX KM
    USEION k WRITE ik
    RANGE g_M, E_K, tau_max
}
PARAMETER { g_M = 7e-5 (S/cm2)  E_K = -90 (mV)  tau_max = 1000 (ms) }
ASSIGNED { v (mV)  celsius (degC)  ik (mA/cm2)  limit  tau (ms) }
STATE { p }
INITIAL { rates(v)  p = limit }
BREAKPOINT { SOLVE gates METHOD cnexp  ik = g_M * p * (v - E_K) }
DERIVATIVE gates { rates(v)  p' = (limit - p) / tau }
PROCEDURE rates(v (mV)) {
    limit = 1 / (1 + exp(-(v + 35) / 10))
    tau = tau_max / (2.3^((celsius - 36) / 10) * (3.3 * exp((v + 35) / 20) + exp(-(v + 35) / 20)))
}
