"""Score a file: python examples/score_delphes_file.py FILE.root results/models/…/fold0 [m_H]"""

import sys

import awkward as ak

from analysis.config.reconstruction import Reconstruction
from analysis.datasets.features import tensors
from analysis.reconstruction.reconstruct import reconstruct_file
from models.networks.batch import Events
from models.training.inference import predict_log_odds

delphes_file, model, *mass = sys.argv[1:]
# the defaults of `reconstruction` and `dataset`: give those of the network's run, where others
reconstruct_file(delphes_file, "events.parquet", Reconstruction())
table = ak.from_parquet("events.parquet")
inputs = tensors(table, max_constituents=50, max_subjets=6)
hypothesis = float(mass[0]) if mass else None  # for a network for all masses
log_odds = predict_log_odds(model, Events(inputs), mass_gev=hypothesis)
for entry, value in zip(table["entry"], log_odds, strict=True):
    print(f"event {entry}: log-odds {value:+.3f}")
