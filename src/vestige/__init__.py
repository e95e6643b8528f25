"""Online learning with eligibility traces for spiking and recurrent networks."""
