import numpy as np
import pytest

from analysis.config.reconstruction import Reconstruction
from analysis.datasets.features import tensors
from analysis.evaluation.jet_images import EDGES, FRAMES, summed_image
from analysis.figures.event_display import DisplayedJet, event_display
from analysis.figures.jet_images import jet_images_plot
from analysis.figures.style import save
from analysis.reconstruction.reconstruct import reconstruct_file
from tests.conftest import DATA


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    import awkward as ak

    path = tmp_path_factory.mktemp("events") / "events.parquet"
    reconstruct_file(str(DATA / "tiny_signal_mH1000.root"), path, Reconstruction())
    return tensors(ak.from_parquet(path), 50, 6)


@pytest.fixture(scope="module")
def images(events):
    constituents, mask = events["constituents"][:, 0], events["constituent_mask"][:, 0]
    weight = np.full(len(mask), 1 / len(mask))
    return {frame: summed_image(constituents, mask, weight, frame) for frame in FRAMES}


def spreads(image):
    centre = (EDGES[1:] + EDGES[:-1]) / 2
    share = image / image.sum()
    eta, phi = share.sum(axis=1), share.sum(axis=0)
    return [float(p @ centre**2 - (p @ centre) ** 2) for p in (eta, phi)]


def test_images_hold_the_whole_jet_in_either_frame(images):
    for image in images.values():
        assert image.sum() == pytest.approx(1, abs=1e-3)


def test_orientation_lines_jets_up_along_phi(images):
    eta, phi = spreads(images["oriented"])
    before = spreads(images["detector"])
    assert phi > 3 * eta
    assert max(before) < 2 * min(before)
    centre = (EDGES[1:] + EDGES[:-1]) / 2
    assert images["oriented"].sum(axis=0)[centre > 0].sum() > 0.5


def test_images_add_up_over_jets(events):
    constituents, mask = events["constituents"][:, 1], events["constituent_mask"][:, 1]
    weight = np.linspace(1, 2, len(mask))
    whole = summed_image(constituents, mask, weight, "oriented")
    halves = [
        summed_image(constituents[rows], mask[rows], weight[rows], "oriented")
        for rows in (slice(0, 7), slice(7, None))
    ]
    np.testing.assert_allclose(sum(halves), whole)


def test_figure_of_images_is_drawn(images, tmp_path):
    before, after = (np.array([images[frame]] * 2) for frame in ("detector", "oriented"))
    figure = jet_images_plot(before, after, EDGES, ["one", "two"])
    assert [panel.get_title() for panel in figure.axes[:2]] == ["one", "two"]
    save(figure, tmp_path / "images")


def test_displayed_axis_is_the_principal_axis(events, tmp_path):
    constituents, mask = events["constituents"][:, 0], events["constituent_mask"][:, 0]
    for number in range(5):
        eta, phi = constituents[number][mask[number]][:, 2:4].astype(float).T
        pt = np.exp(constituents[number][mask[number]][:, 4].astype(float))
        theta = float(events["kinematics"][number, 0, 5])
        values = np.ones(2)
        jet = DisplayedJet(
            500, 0, 0, 125, theta, eta, phi, pt, np.zeros(len(pt), int), values, values, values
        )
        axis = event_display((jet, jet), "an event", 1.0).axes[1].lines[1]
        drawn = np.array([np.ptp(axis.get_xdata()), np.diff(axis.get_ydata())[0]])
        drawn[0] = np.diff(axis.get_xdata())[0]
        covariance = np.cov(np.stack([eta, phi]), aweights=pt)
        _, vectors = np.linalg.eigh(covariance)
        assert abs(drawn / np.hypot(*drawn) @ vectors[:, 1]) == pytest.approx(1, abs=1e-2)
