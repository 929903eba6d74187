"""What a reader must know before trusting a number, in plain words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from analysis.normalisation import Normalisation

Row = Mapping[str, Any]

FEW_EVENTS = 10.0
"""Below this effective number of background events a limit is marked as weak."""


def findings(
    limits: Sequence[Row],
    normalisations: Sequence[Normalisation],
    tag_maps: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return one sentence per weakness of the results.

    Parameters
    ----------
    limits : sequence of rows
        Of the limits table.
    normalisations : sequence of Normalisation
        Of every sample; they know the skipped files.
    tag_maps : sequence of dict
        As rule `tag_map` writes them.
    """
    return [
        *_no_limit(limits),
        *_no_fit(limits),
        *_extrapolated(limits),
        *_looser(limits),
        *_few_events(limits),
        *_not_closing(tag_maps),
        *_skipped(normalisations),
    ]


def _by_training(rows: Iterable[Row]) -> dict[tuple[str, float], list[Row]]:
    found: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        found.setdefault((row["network"], row["mass_gev"]), []).append(row)
    return found


def _name(network: str, mass: float) -> str:
    return f"{network.replace('_', ' ')} at m_H = {mass:g} GeV"


def _no_limit(rows: Sequence[Row]) -> Iterator[str]:
    for (network, mass), members in _by_training(rows).items():
        missing = [row for row in members if row["limit_za_fb"] is None]
        if missing:
            reasons = "; ".join(dict.fromkeys(str(row["reason"]) for row in missing))
            share = f"{len(missing)} of {len(members)} trainings"
            yield f"No limit for {_name(network, mass)} in {share}: {reasons}."


def _no_fit(rows: Sequence[Row]) -> Iterator[str]:
    """CLs limits that could not be set where Z_A gave one."""
    for kind in ("count", "shape"):
        cut = [row for row in rows if row["limit_za_fb"] is not None]
        failed = [row for row in cut if row.get(f"cls_{kind}_median_fb") is None]
        for (network, mass), members in _by_training(failed).items():
            told = dict.fromkeys(str(row.get(f"cls_{kind}_reason") or "") for row in members)
            reasons = "; ".join(reason for reason in told if reason) or "not asked for"
            seeds = ", ".join(str(row["seed"]) for row in members)
            yield f"No CLs limit ({kind}) for {_name(network, mass)} (seed {seeds}): {reasons}."


def _extrapolated(rows: Sequence[Row]) -> Iterator[str]:
    limits = [row for row in rows if row["limit_za_fb"] is not None]
    fitted = [row for row in limits if row["threshold_method"] == "tail_fit"]
    for (network, mass), members in _by_training(fitted).items():
        seeds = ", ".join(str(row["seed"]) for row in members)
        yield (
            f"Extrapolated: for {_name(network, mass)} (seed {seeds}) too few simulated background "
            "events are left at the threshold to count them; it comes from a fit to the tail."
        )


def _looser(rows: Sequence[Row]) -> Iterator[str]:
    """Limits behind a looser cut than the wanted one, since the sample resolves no harder one."""
    resolved = [row for row in rows if row["threshold_method"] == "resolved"]
    for (network, mass), members in _by_training(resolved).items():
        kept = ", ".join(f"{row['b_expected']:.3g}" for row in members if row["b_expected"])
        reasons = "; ".join(dict.fromkeys(str(row["reason"]) for row in members))
        yield (
            f"Looser cut: for {_name(network, mass)} the simulated background supports no harder "
            f"cut than one that leaves {kept} events, so its limits are weaker than they could be "
            f"({reasons})."
        )


def _few_events(rows: Sequence[Row]) -> Iterator[str]:
    few = [
        row
        for row in rows
        if row["limit_za_fb"] is not None and row["n_eff"] is not None and row["n_eff"] < FEW_EVENTS
    ]
    for (network, mass), members in _by_training(few).items():
        least = min(row["n_eff"] for row in members)
        yield (
            f"Low statistics: the limit of {_name(network, mass)} rests on as few as {least:.2g} "
            f"effective simulated background events (below {FEW_EVENTS:g}); its error says how "
            "well it is known."
        )


def _not_closing(tag_maps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for content in tag_maps:
        for category, test in content["closure"].items():
            process, ratio, error = content["process"], test["ratio"], test["uncertainty"]
            if abs(ratio - 1) > 2 * max(test["error"], test["map_error"]):
                yield (
                    f"The tag map of {process} does not close ({category} tags): truth over map is "
                    f"{ratio:.2f} ± {test['error']:.2f}; the limits carry the difference as an "
                    "uncertainty where their settings ask for it."
                )
            elif error > 0.5:
                yield (
                    f"The closure of the tag map of {process} ({category} tags) could be tested to "
                    f"{100 * error:.0f}% only: truth over map is {ratio:.2f} ± {test['error']:.2f}."
                )


def _skipped(normalisations: Sequence[Normalisation]) -> Iterator[str]:
    for found in normalisations:
        for file, reason in found.skipped:
            yield (
                f"A file of {found.sample} was left out, and the sample renormalised: "
                f"{file}: {reason}"
            )
