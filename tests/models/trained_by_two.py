"""One training by two processes, as a program: python -m tests.models.trained_by_two FOLDER LAST.

After epoch LAST the first process is killed (0: never). The other process must write nothing.
"""

import os
import signal
import sys
from pathlib import Path

from models.config.specs import CrossAttention, Training
from models.training.data import Data
from models.training.resume import Progress
from models.training.training import train
from tests.models.events import FEATURES, make_sample

SPEC = CrossAttention(name="n", width=16, heads=2, dropout=0.0)
TRAINING = Training(epochs=4, batch_size=64, ema=0.9, accelerator="cpu")


def data() -> Data:
    return Data(make_sample(301, 1), make_sample(199, 2), FEATURES)


def main(folder: str, last: int) -> None:
    """Train with two processes, of which this is one."""
    if os.environ.get("LOCAL_RANK", "0") != "0":
        Path.replace = lambda *_: print("the second process writes", flush=True)  # type: ignore
    store = Progress.store

    def store_and_die(self: Progress, *args) -> None:
        store(self, *args)
        if len(self.history) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    Progress.store = store_and_die  # type: ignore[method-assign]
    train(SPEC, TRAINING.model_copy(update={"devices": 2}), data(), 1, folder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
