"""Drivers: sequences, learners, training."""

from .core import Carry, Result, gradients, init

__all__ = ["Carry", "Result", "gradients", "init"]
