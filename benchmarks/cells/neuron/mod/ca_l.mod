: L-type calcium of Reuveni et al. 1993, as the library's `CaL` writes it

NEURON {
    SUFFIX CaL
    USEION ca READ cai WRITE ica
    RANGE g_Ca, Ca_out
}
PARAMETER { g_Ca = 1e-4 (S/cm2)  Ca_out = 2 (mM) }
ASSIGNED { v (mV)  celsius (degC)  ica (mA/cm2)  cai (mM)  aq  bq  ar  br  q10 }
STATE { q r }
INITIAL { rates(v)  q = aq / (aq + bq)  r = ar / (ar + br) }
BREAKPOINT {
    SOLVE gates METHOD cnexp
    ica = g_Ca * q^2 * r * (v - 1000 * 8.314462618 * (celsius + 273.15) / (2 * 96485.33212) * log(Ca_out / cai))
}
DERIVATIVE gates { rates(v)  q' = q10 * (aq * (1 - q) - bq * q)  r' = q10 * (ar * (1 - r) - br * r) }
PROCEDURE rates(v (mV)) {
    q10 = 3^((celsius - 36) / 10)
    aq = 0.209 * linexp((v + 27) / 3.8)
    bq = 0.94 * exp(-(v + 75) / 17)
    ar = 0.000457 * exp(-(v + 13) / 50)
    br = 0.0065 / (1 + exp(-(v + 15) / 28))
}
FUNCTION linexp(x) {
    if (fabs(x) < 1e-5) { linexp = 1 + x / 2 } else { linexp = x / (1 - exp(-x)) }
}
