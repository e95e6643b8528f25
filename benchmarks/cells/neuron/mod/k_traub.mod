: delayed rectifier of Traub and Miles 1991, as the library's `KTraub` writes it

NEURON {
    SUFFIX KTraub
    USEION k WRITE ik
    RANGE g_K, E_K, V_T
}
PARAMETER { g_K = 0.005 (S/cm2)  E_K = -90 (mV)  V_T = -56.2 (mV) }
ASSIGNED { v (mV)  celsius (degC)  ik (mA/cm2)  an  bn  q }
STATE { n }
INITIAL { rates(v)  n = an / (an + bn) }
BREAKPOINT { SOLVE gates METHOD cnexp  ik = g_K * n^4 * (v - E_K) }
DERIVATIVE gates { rates(v)  n' = q * (an * (1 - n) - bn * n) }
PROCEDURE rates(v (mV)) {
    LOCAL x
    q = 3^((celsius - 36) / 10)
    x = v - V_T
    an = 0.16 * linexp((x - 15) / 5)
    bn = 0.5 * exp(-(x - 10) / 40)
}
FUNCTION linexp(x) {
    if (fabs(x) < 1e-5) { linexp = 1 + x / 2 } else { linexp = x / (1 - exp(-x)) }
}
