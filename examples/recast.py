"""Events of a model: python examples/recast.py results/efficiencies.csv NETWORK m_H[GeV] σ[fb]"""

import sys

import numpy as np
import pandas as pd

path, network, mass, sigma = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
# hh → 4b at 3000 fb⁻¹, BR(h → bb) = 0.582: give luminosity_fb and branching_ratio_hbb of the run
produced = sigma * 3000 * 0.582**2
table = pd.read_csv(path).query("network == @network and region in ['tags', 'count']")
for (channel, region), rows in table.groupby(["channel", "region"]):
    mean = rows.groupby("mass_gev").mean(numeric_only=True)  # over seeds, at each m_H
    at = {c: np.interp(mass, mean.index, mean[c], np.nan, np.nan) for c in mean}
    events = produced * at["signal_efficiency"]
    print(f"{channel} {region}: {events:.4g} events of signal on {at['background']:.4g}")
