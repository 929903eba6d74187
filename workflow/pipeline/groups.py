"""The curves of a figure: which datasets belong to one, its name and its colour."""

from collections.abc import Sequence

from analysis.datasets.dataset import Dataset
from analysis.figures.style import PROCESS_COLOURS, colours, mass_colours

Groups = dict[str, list[Dataset]]


def groups(datasets: Sequence[Dataset]) -> Groups:
    """Return the datasets of each curve: one per process of background, one per mass of signal."""
    members: Groups = {}
    for data in sorted(datasets, key=lambda data: (data.is_signal, data.attributes["mass_gev"])):
        process = str(data.attributes["process"])
        mass = f"$m_H$ = {data.attributes['mass_gev']:g} GeV"
        members.setdefault(mass if data.is_signal else process, []).append(data)
    return members


def palette(curves: Groups) -> dict[str, str]:
    """Return a colour per curve: signals by mass, processes their own."""
    signals = [name for name, members in curves.items() if members[0].is_signal]
    return colours(curves, {**PROCESS_COLOURS, **mass_colours(signals)})
