: A-type potassium of Connor, Walter and McKown 1977, as the library's `KA` writes it

NEURON {
    SUFFIX KA
    USEION k WRITE ik
    RANGE g_A, E_K
}
PARAMETER { g_A = 0.0477 (S/cm2)  E_K = -75 (mV) }
ASSIGNED { v (mV)  celsius (degC)  ik (mA/cm2)  a_limit  tau_a (ms)  b_limit  tau_b (ms) }
STATE { a b }
INITIAL { rates(v)  a = a_limit  b = b_limit }
BREAKPOINT { SOLVE gates METHOD cnexp  ik = g_A * a^3 * b * (v - E_K) }
DERIVATIVE gates { rates(v)  a' = (a_limit - a) / tau_a  b' = (b_limit - b) / tau_b }
PROCEDURE rates(v (mV)) {
    LOCAL q
    q = 3^((celsius - 18) / 10)
    a_limit = (0.0761 * exp(0.0314 * (v + 94.22)) / (1 + exp(0.0346 * (v + 1.17))))^(1.0 / 3)
    tau_a = (0.3632 + 1.158 / (1 + exp(0.0497 * (v + 55.96)))) / q
    b_limit = (1 / (1 + exp(0.0688 * (v + 53.3))))^4
    tau_b = (1.24 + 2.678 / (1 + exp(0.0624 * (v + 50)))) / q
}
