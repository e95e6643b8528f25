"""The channels as their sources print them, in plain numpy: what ours must be, wherever none of these is 0 / 0."""

import numpy as np
from numpy import exp

F, R = 96485.33212, 8.314462618


def rates(opening, closing, q):
    return opening / (opening + closing), 1 / (opening + closing) / q


def na_hh(v, ca, T):
    q = 3 ** ((T - 6.3) / 10)
    return {
        "m": rates(0.1 * (v + 40) / (1 - exp(-(v + 40) / 10)), 4 * exp(-(v + 65) / 18), q),
        "h": rates(0.07 * exp(-(v + 65) / 20), 1 / (exp(-(v + 35) / 10) + 1), q),
    }


def k_hh(v, ca, T):
    q = 3 ** ((T - 6.3) / 10)
    return {"n": rates(0.01 * (v + 55) / (1 - exp(-(v + 55) / 10)), 0.125 * exp(-(v + 65) / 80), q)}


def na_traub(v, ca, T, VT=-56.2):
    q = 3 ** ((T - 36) / 10)
    return {
        "m": rates(
            -0.32 * (v - VT - 13) / (exp(-(v - VT - 13) / 4) - 1),
            0.28 * (v - VT - 40) / (exp((v - VT - 40) / 5) - 1),
            q,
        ),
        "h": rates(0.128 * exp(-(v - VT - 17) / 18), 4 / (1 + exp(-(v - VT - 40) / 5)), q),
    }


def k_traub(v, ca, T, VT=-56.2):
    q = 3 ** ((T - 36) / 10)
    return {"n": rates(-0.032 * (v - VT - 15) / (exp(-(v - VT - 15) / 5) - 1), 0.5 * exp(-(v - VT - 10) / 40), q)}


def ka(v, ca, T):
    q = 3 ** ((T - 18) / 10)
    a = (0.0761 * exp(0.0314 * (v + 94.22)) / (1 + exp(0.0346 * (v + 1.17)))) ** (1 / 3)
    b = (1 / (1 + exp(0.0688 * (v + 53.3)))) ** 4
    return {
        "a": (a, (0.3632 + 1.158 / (1 + exp(0.0497 * (v + 55.96)))) / q),
        "b": (b, (1.24 + 2.678 / (1 + exp(0.0624 * (v + 50)))) / q),
    }


def km(v, ca, T):
    q = 2.3 ** ((T - 36) / 10)
    return {"p": (1 / (1 + exp(-(v + 35) / 10)), 1000 / (3.3 * exp((v + 35) / 20) + exp(-(v + 35) / 20)) / q)}


def kca(v, ca, T):
    return {"m": rates(48 * ca**2, 0.03, 3 ** ((T - 22) / 10))}


def cal(v, ca, T):
    q = 3 ** ((T - 36) / 10)
    return {
        "q": rates(0.055 * (-27 - v) / (exp((-27 - v) / 3.8) - 1), 0.94 * exp((-75 - v) / 17), q),
        "r": rates(0.000457 * exp((-13 - v) / 50), 0.0065 / (exp((-15 - v) / 28) + 1), q),
    }


def cat(v, ca, T):
    Vm = v + 2
    tau = 30.8 + (211.4 + exp((Vm + 113.2) / 5)) / (1 + exp((Vm + 84) / 3.2))
    return {"r": (1 / (1 + exp((Vm + 81) / 4)), tau / 3 ** ((T - 24) / 10))}


def ih(v, ca, T):
    tau = 1 / (exp(-14.6 - 0.086 * v) + exp(-1.87 + 0.0701 * v))
    return {"r": (1 / (1 + exp((v + 75) / 5.5)), tau / 3 ** ((T - 36) / 10))}


WRITTEN = {
    "NaHH": na_hh, "KHH": k_hh, "HH": lambda *x: na_hh(*x) | k_hh(*x), "NaTraub": na_traub, "KTraub": k_traub, "KA": ka,
    "KM": km, "KCa": kca, "CaL": cal, "CaT": cat, "Ih": ih,
}  # fmt: skip


def e_ca(ca, T):
    return 1e3 * R * (T + 273.15) / (2 * F) * np.log(2.0 / ca)


MEMBRANE = "NaTraub", "KTraub", "KA", "KM", "KCa", "CaL", "CaT", "Ih"
GATES = [(name, gate) for name in MEMBRANE for gate in WRITTEN[name](0.5, 1e-3, 36.0)]


def one_compartment(g, T, drive, tau_ca=5.0, depth=0.1, rest=2.4e-4):
    """`dy/dt` of voltage, calcium and gates: conductances `g` in S/cm2 in one membrane, under `drive(t)` uA/cm2."""

    def slope(t, y):
        v, ca, gate = y[0], y[1], dict(zip(GATES, y[2:]))
        s = 1 / (1 + exp(-(v + 2 + 57) / 6.2))
        i_ca = (g["CaL"] * gate["CaL", "q"] ** 2 * gate["CaL", "r"] + g["CaT"] * s**2 * gate["CaT", "r"]) * (
            v - e_ca(ca, T)
        )
        i = (
            g["Leak"] * (v + 70) + g["NaTraub"] * gate["NaTraub", "m"] ** 3 * gate["NaTraub", "h"] * (v - 50)
            + (g["KTraub"] * gate["KTraub", "n"] ** 4 + g["KM"] * gate["KM", "p"]) * (v + 90)
            + g["KA"] * gate["KA", "a"] ** 3 * gate["KA", "b"] * (v + 75)
            + g["KCa"] * gate["KCa", "m"] ** 2 * (v + 95) + g["Ih"] * gate["Ih", "r"] * (v + 43)
        )  # fmt: skip
        to = {(name, k): x for name in MEMBRANE for k, x in WRITTEN[name](v, ca, T).items()}
        inward = max(-1e4 * i_ca / (2 * F * depth), 0.0)
        moves = [(to[k][0] - gate[k]) / to[k][1] for k in GATES]
        return [drive(t) - 1e3 * (i + i_ca), inward - (ca - rest) / tau_ca, *moves]

    return slope


def at_rest(v, T, rest=2.4e-4):
    return [v, rest, *[WRITTEN[name](v, rest, T)[gate][0] for name, gate in GATES]]
