"""What a trained network is, on one page, for those who get its ONNX file and nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.features import PARTICLE_FEATURES

INPUTS = {
    "constituents": "constituents of fat jets 1 and 2, leading in pT first, cut at the length",
    "constituent_mask": "true for a constituent, false for padding, which is not read",
    "subjets": "subjets of both fat jets, leading in pT first, cut at the length",
    "subjet_mask": "likewise for subjets",
    "kinematics": "fat jet 1, fat jet 2 and their sum H",
    "objects": "energy-flow objects of the whole event, leading in pT first, cut at the length",
    "object_mask": "likewise for objects",
    "mass": "the hypothesis m_H [GeV] of each event",
}
"""Meaning of each input of the ONNX file."""

PARTICLE = dict.fromkeys(PARTICLE_FEATURES, "0 or 1") | {"charge": "electric charge [e]"}

DISPLACEMENT = {
    "tanh_d0": "tanh(d₀ / mm), 0 for neutral ones",
    "d0_error": "σ(d₀) [mm], at most 1",
    "tanh_dz": "tanh(z at the closest approach / mm)",
    "dz_error": "σ(z) [mm], at most 1",
}

FEATURES = {
    "constituents": {
        "eta": "η′ in the frame of the oriented jet",
        "phi": "φ′ in the frame of the oriented jet [rad]",
        "deta": "Δη to the jet's axis",
        "dphi": "Δφ to the jet's axis [rad]",
        "log_pt": "ln(pT / GeV)",
        "log_energy": "ln(E / GeV)",
        "log_pt_rel": "ln(pT / pT of the jet)",
        "log_energy_rel": "ln(E / E of the jet)",
        "delta_r": "√(Δη² + Δφ²)",
        **PARTICLE,
        **DISPLACEMENT,
    },
    "subjets": {
        "deta": "Δη to the fat jet's axis",
        "dphi": "Δφ to the fat jet's axis [rad]",
        "log_pt": "ln(pT / GeV)",
        "log_energy": "ln(E / GeV)",
        "log_mass": "ln(m / GeV)",
        "log_pt_rel": "ln(pT / pT of the fat jet)",
    },
    "kinematics": {
        "mass": "m [GeV]",
        "eta": "η",
        "phi": "φ [rad]",
        "pt": "pT [GeV]",
        "energy": "E [GeV]",
        "theta": "angle of orientation [rad], 0 for H",
    },
    "objects": {
        "eta": "η",
        "sin_phi": "sine of φ relative to the event's axis",
        "cos_phi": "its cosine",
        "log_pt": "ln(pT / GeV)",
        "log_energy": "ln(E / GeV)",
        **PARTICLE,
        **DISPLACEMENT,
    },
}
"""Meaning and unit of each feature."""


def model_card(
    description: Mapping[str, Any],
    shapes: Mapping[str, Sequence[int]],
    metrics: Mapping[str, Any],
    reference: str,
) -> str:
    """Return the card, in Markdown with the YAML header of Hugging Face's model cards.

    Parameters
    ----------
    description : mapping
        `model.json` of the network.
    shapes : mapping
        Shape of each input without the axis of events, as `Events.shapes`.
    metrics : mapping
        Row of `results/metrics.csv`, with errors.
    reference : str
        Name of the file of reference events.
    """
    network, both_orders = description["network"], description.get("both_orders", False)
    told = network.get("mass_token", False)
    header = {
        "license": "mit",
        "library_name": "onnx",
        "tags": ["high-energy-physics", "jets", "higgs-pairs"],
        "pipeline_tag": "tabular-classification",
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in header.items()),
        "---",
        "",
        f"# {network['name']}: gg → H → hh → 4b with boosted jets against multijets and tt̄",
        "",
        f"A network of architecture `{network['architecture']}` with {description['parameters']} "
        "parameters, as ONNX. It takes events with two fat jets and returns `log_odds` [events]: "
        "the logarithm of the odds of signal against background of the same total weight, "
        "calibrated on validation events. Standardisation is inside"
        + (", and the mean over both orders of the fat jets." if both_orders else "."),
        "",
        "## Training",
        "",
        f"- Version {description.get('code_version', 'unknown')} of boosted-hh4b, seed "
        f"{description['seed']}, fold {description.get('fold', 0)} of "
        f"{description.get('dataset', {}).get('folds', 1)}: it has not seen this fold's events.",
        f"- Simulated samples: {', '.join(description.get('samples', ['unknown']))}.",
        f"- Signal masses: {_masses(description, metrics)}.",
        f"- Best epoch {description.get('best_epoch', 'unknown')}. The file's metadata hold the "
        "network's settings, features and samples.",
        "",
        "## Inputs",
        "",
        "In this order; float32, masks bool; the first axis is events.",
        "",
        "| input | shape | what |",
        "|---|---|---|",
        *(f"| `{name}` | {_shape(shapes[name])} | {INPUTS[name]} |" for name in shapes),
        *([f"| `mass` | {_shape(())} | {INPUTS['mass']} |"] if told else []),
        "",
        "pT, E and m in logarithms are raised to 1 MeV where they are smaller; nothing else is "
        "clipped. Padding is zero.",
        *(
            line
            for name in FEATURES
            if description["features"].get(name)
            for line in _features(name, description["features"][name])
        ),
        "",
        "## Quality",
        "",
        f"On all events of the run at m_H = {metrics['mass_gev']:g} GeV, each scored by the "
        "network of the fold that has not seen it, with physical weights; errors are those of "
        "the simulated statistics.",
        "",
        "| quantity | value |",
        "|---|---|",
        *_metrics(metrics),
        "",
        "## Limits of use",
        "",
        "- Trained on the simulation of a detector. Events of another detector, generator or b-tag "
        "selection have other scores.",
        "- Log-odds are of equal total weights, not of physical rates.",
        "- Other m_H than those of the training were not tested.",
        "",
        "## Check",
        "",
        f"`{reference}` has reference events: inputs, `is_signal`, and the `log_odds` of torch. "
        "They check that the file works; the network may have been trained on some of them.",
        "",
        "```python",
        "import numpy, onnxruntime",
        "",
        f'events = numpy.load("{reference}")',
        f'session = onnxruntime.InferenceSession("{reference.removesuffix(".npz")}.onnx")',
        "inputs = {one.name: events[one.name] for one in session.get_inputs()}",
        '(found,), wanted = session.run(["log_odds"], inputs), events["log_odds"]',
        "assert (abs(found - wanted) <= 1e-4 * numpy.maximum(1, abs(wanted))).all()",
        "```",
        "",
        "Licence: MIT, as the software's. Cite what `CITATION.cff` of boosted-hh4b names.",
    ]
    return "\n".join(lines) + "\n"


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, ('events', *shape)))}]"


def _masses(description: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    masses = description.get("masses_gev", [metrics["mass_gev"]])
    return ", ".join(f"{mass:g}" for mass in masses) + " GeV"


def _features(name: str, names: Sequence[str]) -> list[str]:
    rows = (
        f"| {k} | `{one}` | {FEATURES[name].get(one, 'unknown')} |" for k, one in enumerate(names)
    )
    return ["", f"Last axis of `{name}`:", "", "| index | feature | what |", "|---|---|---|", *rows]


def _metrics(metrics: Mapping[str, Any]) -> list[str]:
    names = {"auc": "AUC"}
    names |= {f"rejection_{k}": f"1/ε_B at ε_S = {k}%" for k in (30, 50, 80)}
    return [
        f"| {label} | {metrics[name]:.4g} ± {_rounded(metrics[f'{name}_error'])} |"
        for name, label in names.items()
        if metrics.get(name) is not None
    ]


def _rounded(error: float) -> str:
    """Return an error with two digits, without an exponent."""
    return f"{float(f'{error:.2g}'):g}"
