"""A workspace as analyses publish it: the background, and the signal as a JSON patch on it."""

from collections.abc import Mapping
from typing import Any

import pyhf

SIGNAL = "signal"
NO_RECORD = "ins0000000"
"""Stands where pyhf's schema asks for the record on HEPData, which a run does not have yet."""


def background_only(workspace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workspace without its signal, to which others add theirs."""
    channels = [
        channel | {"samples": [s for s in channel["samples"] if s["name"] != SIGNAL]}
        for channel in workspace["channels"]
    ]
    return {**workspace, "channels": channels}


def signal_patchset(
    workspace: Mapping[str, Any], name: str, mass_gev: float, description: str
) -> dict[str, Any]:
    """Return the patch set whose one patch makes the workspace of its `background_only`.

    Parameters
    ----------
    workspace : mapping
        HistFactory workspace of pyhf with a sample `signal` in each channel.
    name : str
        What the patch is called.
    mass_gev : float
        m_H [GeV], the value of the patch's one label.
    description : str
    """
    patch = [
        {"op": "add", "path": f"/channels/{c}/samples/{s}", "value": sample}
        for c, channel in enumerate(workspace["channels"])
        for s, sample in enumerate(channel["samples"])
        if sample["name"] == SIGNAL
    ]
    digest = pyhf.utils.digest(background_only(workspace), algorithm="sha256")
    return {
        "metadata": {
            "references": {"hepdata": NO_RECORD},
            "digests": {"sha256": digest},
            "labels": ["m_H"],
            "description": description,
        },
        "patches": [{"metadata": {"name": name, "values": [mass_gev]}, "patch": patch}],
        "version": "1.0.0",
    }
