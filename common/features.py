"""Names of the columns of the datasets' arrays, which the networks read."""

PARTICLE_FEATURES = (
    "charge",
    "is_charged_hadron",
    "is_electron",
    "is_muon",
    "is_photon",
    "is_neutral_hadron",
)
"""What a particle is, in every frame: no Lorentz transformation changes them."""
CONSTITUENT_FEATURES = (
    "eta",
    "phi",
    "deta",
    "dphi",
    "log_pt",
    "log_energy",
    "log_pt_rel",
    "log_energy_rel",
    "delta_r",
    *PARTICLE_FEATURES,
)
DISPLACEMENT_FEATURES = ("tanh_d0", "d0_error", "tanh_dz", "dz_error")
"""Further ones of constituents, and of objects of the event, of datasets that have them."""
OBJECT_FEATURES = (
    "eta",
    "sin_phi",
    "cos_phi",
    "log_pt",
    "log_energy",
    *PARTICLE_FEATURES,
)
"""Of the energy-flow objects of a whole event."""
SUBJET_FEATURES = ("deta", "dphi", "log_pt", "log_energy", "log_mass", "log_pt_rel")
KINEMATIC_FEATURES = ("mass", "eta", "phi", "pt", "energy", "theta")
