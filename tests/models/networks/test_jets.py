"""Single-jet taggers on the jets of events."""

import numpy as np
import pytest

from models.config.specs import IAFormerEncoder, JetTagger, MixerEncoder, Training
from models.networks.batch import Events, Sample
from models.networks.jets import single_jets
from models.training.inference import predict_log_odds
from models.training.training import Data, train
from tests.models.events import FEATURES, make_arrays


def test_each_jet_becomes_an_event():
    arrays = make_arrays(5)
    jets = single_jets(arrays)
    assert jets["kinematics"].shape == (10, 1, 6)
    for name, array in jets.items():
        np.testing.assert_array_equal(array[6, 0], arrays[name][3, 0])
        np.testing.assert_array_equal(array[7, 0], arrays[name][3, 1])


@pytest.mark.parametrize(
    "encoder",
    [
        {"kind": "self_attention"},
        MixerEncoder(kind="mixer", tokens=12),
        IAFormerEncoder(kind="iaformer", layers=1),
    ],
    ids=["self_attention", "mixer", "iaformer"],
)
def test_a_tagger_learns_the_width_of_jets(tmp_path, encoder):
    samples = []
    for count, seed in ((400, 1), (200, 2)):
        label = np.repeat(np.arange(count) % 2, 2)
        samples.append(
            Sample(Events(single_jets(make_arrays(count, seed))), label, np.ones(2 * count))
        )
    spec = JetTagger(name="n", width=16, jet_encoder=encoder)
    settings = Training(epochs=4, batch_size=64, learning_rate=5e-3, accelerator="cpu")
    train(spec, settings, Data(*samples, FEATURES), 1, tmp_path)
    score = predict_log_odds(tmp_path, samples[1].events, FEATURES)
    signal = samples[1].label == 1
    assert (score[signal][:, None] > score[~signal]).mean() > 0.75
