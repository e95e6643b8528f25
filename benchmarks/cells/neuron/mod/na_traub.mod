: sodium of Traub and Miles 1991, as the library's `NaTraub` writes it

NEURON {
    SUFFIX NaTraub
    USEION na WRITE ina
    RANGE g_Na, E_Na, V_T
}
PARAMETER { g_Na = 0.05 (S/cm2)  E_Na = 50 (mV)  V_T = -56.2 (mV) }
ASSIGNED { v (mV)  celsius (degC)  ina (mA/cm2)  am  bm  ah  bh  q }
STATE { m h }
INITIAL { rates(v)  m = am / (am + bm)  h = ah / (ah + bh) }
BREAKPOINT { SOLVE gates METHOD cnexp  ina = g_Na * m^3 * h * (v - E_Na) }
DERIVATIVE gates { rates(v)  m' = q * (am * (1 - m) - bm * m)  h' = q * (ah * (1 - h) - bh * h) }
PROCEDURE rates(v (mV)) {
    LOCAL x
    q = 3^((celsius - 36) / 10)
    x = v - V_T
    am = 1.28 * linexp((x - 13) / 4)
    bm = 1.4 * linexp(-(x - 40) / 5)
    ah = 0.128 * exp(-(x - 17) / 18)
    bh = 4 / (1 + exp(-(x - 40) / 5))
}
FUNCTION linexp(x) {
    if (fabs(x) < 1e-5) { linexp = 1 + x / 2 } else { linexp = x / (1 - exp(-x)) }
}
