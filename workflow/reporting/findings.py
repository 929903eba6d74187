"""What a reader must know before trusting a number, in plain words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import hypot
from typing import Any

from analysis.datasets.normalisation import Normalisation

Row = Mapping[str, Any]

FEW_EVENTS = 10.0
"""Below this effective number of background events a limit is marked as weak."""


def findings(
    limits: Sequence[Row],
    normalisations: Sequence[Normalisation],
    tag_maps: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return one sentence per kind of weakness of the results.

    Parameters
    ----------
    limits : sequence of rows
        Of the limits table.
    normalisations : sequence of Normalisation
        Of every sample, with the skipped files and what is odd about the others.
    tag_maps : sequence of dict
        As rule `tag_map` writes them.
    """
    return [
        *_no_limit(limits),
        *_no_fit(limits),
        *_extrapolated(limits),
        *_mixed(limits),
        *_borrowed(limits),
        *_looser(limits),
        *_few_events(limits),
        *_not_closing(tag_maps),
        *_skipped(normalisations),
        *_remarked(normalisations),
    ]


def _places(rows: Iterable[Row]) -> str:
    """Return which trainings the rows are of: "mlp at m_H = 600, 800 GeV (seeds 1, 2)"."""
    of_network: dict[str, list[Row]] = {}
    for row in rows:
        of_network.setdefault(row["network"].replace("_", " "), []).append(row)
    return "; ".join(
        f"{network} at m_H = {_listed(members, 'mass_gev')} GeV (seed {_listed(members, 'seed')})"
        for network, members in of_network.items()
    )


def _listed(rows: Iterable[Row], column: str) -> str:
    return ", ".join(f"{value:g}" for value in sorted({row[column] for row in rows}))


def _reasons(rows: Iterable[Row], column: str) -> str:
    """Return the first reason, and how many others there are."""
    told = [
        reason for reason in dict.fromkeys(str(row.get(column) or "") for row in rows) if reason
    ]
    others = f" ({len(told) - 1} more in limits.csv)" if len(told) > 1 else ""
    return f"{told[0]}{others}" if told else "not asked for"


def _no_limit(rows: Sequence[Row]) -> Iterator[str]:
    missing = [row for row in rows if row["limit_za_fb"] is None]
    if missing:
        yield (
            f"No limit in {len(missing)} of {len(rows)} trainings, {_places(missing)}: "
            f"{_reasons(missing, 'reason')}."
        )


def _no_fit(rows: Sequence[Row]) -> Iterator[str]:
    """CLs limits that could not be set where Z_A gave one."""
    for kind in ("count", "shape"):
        cut = [row for row in rows if row["limit_za_fb"] is not None]
        failed = [row for row in cut if row.get(f"cls_{kind}_median_fb") is None]
        if failed:
            yield (
                f"No CLs limit ({kind}) for {_places(failed)}: "
                f"{_reasons(failed, f'cls_{kind}_reason')}."
            )


def _extrapolated(rows: Sequence[Row]) -> Iterator[str]:
    limits = [row for row in rows if row["limit_za_fb"] is not None]
    fitted = [row for row in limits if row["threshold_method"] == "tail_fit"]
    if fitted:
        yield (
            "Extrapolated: too few simulated background events are left at the threshold to count "
            f"them; it comes from a fit to the tail for {_places(fitted)}."
        )


def _mixed(rows: Sequence[Row]) -> Iterator[str]:
    """Cuts behind which mixed events are counted (`mixed_tail`)."""
    mixed = [row for row in rows if row["threshold_method"] == "mixed"]
    if mixed:
        yield (
            "Mixed events: behind the cut, pairs of fat jets of different simulated events are "
            f"counted in place of the events themselves (mixed_tail), for {_places(mixed)}, and "
            "behind a looser cut where it is above the start of the tail. b_simulated in "
            "limits.csv is the yield of the simulated events there."
        )


def _borrowed(rows: Sequence[Row]) -> Iterator[str]:
    """Tails that are not of the events themselves (`mixed_tail`, `tail_from`)."""
    shares = [
        hypot(row["sigma_b_shared"], row["sigma_b_assumed"]) / float(row["b_expected"])
        for row in rows
        if row.get("sigma_b_assumed") and row["b_expected"]
    ]
    if shares:
        yield (
            "Borrowed tails: above a start, a sample has the scores of its mixed events "
            "(mixed_tail), or of a larger sample (tail_from). What all their events have in "
            f"common adds {min(shares):.0%} to {max(shares):.0%} to the error of the background."
        )


def _looser(rows: Sequence[Row]) -> Iterator[str]:
    """Limits at a looser cut than the target, since the sample resolves no harder one."""
    resolved = [row for row in rows if row["threshold_method"] == "resolved"]
    if resolved:
        kept = [row["b_expected"] for row in resolved if row["b_expected"]]
        yield (
            "Looser cut: the simulated background supports no cut as hard as the wanted one, so "
            f"that {min(kept):.3g} to {max(kept):.3g} background events are left and the limits "
            f"are weaker than they could be, for {_places(resolved)}. limits.csv has the reasons."
        )


def _few_events(rows: Sequence[Row]) -> Iterator[str]:
    few = [
        row
        for row in rows
        if row["limit_za_fb"] is not None and row["n_eff"] is not None and row["n_eff"] < FEW_EVENTS
    ]
    if few:
        least = min(row["n_eff"] for row in few)
        yield (
            f"Low statistics: limits rest on fewer than {FEW_EVENTS:g} and as few as {least:.2g} "
            f"effective simulated background events for {_places(few)}; their errors say how well "
            "they are known."
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
    for normalisation in normalisations:
        for file, reason in normalisation.skipped:
            yield (
                f"A file of {normalisation.sample} was left out, and the sample renormalised: "
                f"{file}: {reason}"
            )


def _remarked(normalisations: Sequence[Normalisation]) -> Iterator[str]:
    for normalisation in normalisations:
        for remark in normalisation.remarks:
            yield f"Sample {normalisation.sample}: {remark}."
