: two exponentials behind the magnesium block of Jahr and Stevens 1990, as the library's `NMDA` writes it

NEURON {
    POINT_PROCESS NMDA
    NONSPECIFIC_CURRENT i
    RANGE tau1, tau2, e, Mg
}
PARAMETER { tau1 = 0.29 (ms)  tau2 = 43 (ms)  e = 0 (mV)  Mg = 1 (mM) }
ASSIGNED { v (mV)  i (nA)  peak }
STATE { A (uS)  B (uS) }
INITIAL {
    LOCAL t_peak
    t_peak = tau1 * tau2 / (tau2 - tau1) * log(tau2 / tau1)
    peak = exp(-t_peak / tau2) - exp(-t_peak / tau1)
    A = 0
    B = 0
}
BREAKPOINT {
    SOLVE decay METHOD cnexp
    i = (B - A) * (v - e) / (1 + Mg / 3.57 * exp(-0.062 * v))
}
DERIVATIVE decay { A' = -A / tau1  B' = -B / tau2 }
NET_RECEIVE (weight (uS)) {
    A = A + weight / peak
    B = B + weight / peak
}
