"""What the networks' tests share."""

import pytest

from models.training.training import Data
from tests.models.events import FEATURES, make_sample


@pytest.fixture(scope="session")
def data() -> Data:
    return Data(make_sample(300, 1), make_sample(200, 2), FEATURES)
