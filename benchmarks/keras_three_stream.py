"""The papers' three-stream network in Keras, for `benchmarks.training_rate`; needs keras alone.

    python benchmarks/keras_three_stream.py NPZ [--threads 1] [--epochs 4]

Two streams of constituents and one of kinematic tokens, each through its self-attention layers; the
jets' streams are added token by token; kinematic tokens then ask the sum (arXiv:2401.00452). Sizes
and weights come from the file, so that the logits can be compared with those of our own network,
which stand there too. `pip install tensorflow-cpu` brings keras with its backend. Prints JSON:
parameters, the largest difference of logits, and events per second of each way to train.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

State = Mapping[str, np.ndarray]


class Offset(layers.Layer):
    """A learned offset for each token."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.offset = self.add_weight(shape=shape[1:], initializer="random_normal")

    def call(self, tokens: Any) -> Any:
        return tokens + self.offset


class Network:
    """Layers under the names of our own network's weights, and how these are filled in."""

    def __init__(self, state: State, heads: int, dropout: float) -> None:
        self.state, self.heads, self.dropout = state, heads, dropout
        self.made: list[tuple[str, layers.Layer]] = []

    def keep(self, name: str, layer: layers.Layer) -> layers.Layer:
        self.made.append((name, layer))
        return layer

    def dense(self, name: str, x: Any, activation: str | None = None) -> Any:
        width = len(self.state[f"{name}.weight"])
        return self.keep(name, layers.Dense(width, activation=activation))(x)

    def norm(self, name: str, x: Any) -> Any:
        return self.keep(name, layers.LayerNormalization(epsilon=1e-5))(x)

    def attention(self, name: str, queries: Any, context: Any, mask: Any) -> Any:
        width = len(self.state[f"{name}.query.weight"])
        layer = layers.MultiHeadAttention(self.heads, width // self.heads)
        mask = None if mask is None else ops.expand_dims(mask, 1)
        return self.keep(name, layer)(queries, context, attention_mask=mask)

    def add(self, x: Any, change: Any) -> Any:
        return x + layers.Dropout(self.dropout)(change)

    def mlp(self, name: str, x: Any) -> Any:
        hidden = self.dense(f"{name}.mlp.0", self.norm(f"{name}.mlp_norm", x), "gelu")
        return self.add(x, self.dense(f"{name}.mlp.2", hidden))

    def count(self, prefix: str) -> range:
        found = (n for n in itertools.count() if f"{prefix}.{n}.norm.weight" not in self.state)
        return range(next(found))

    def stream(self, name: str, x: Any, mask: Any) -> Any:
        """Self-attention layers."""
        for n in self.count(f"{name}.layers"):
            layer = f"{name}.layers.{n}"
            normed = self.norm(f"{layer}.norm", x)
            x = self.add(x, self.attention(f"{layer}.attention", normed, normed, mask))
            x = self.mlp(layer, x)
        return x

    def build(self, shapes: Mapping[str, tuple[int, ...]]) -> keras.Model:
        """Return the model with our network's weights."""
        inputs = {
            name: keras.Input(shape, name=name, dtype="bool" if "mask" in name else "float32")
            for name, shape in shapes.items()
        }
        jets = []
        for n, mask in enumerate((inputs["mask_1"], inputs["mask_2"])):
            x = self.dense(f"jets.{n}.embedding.0", inputs[f"jet_{n + 1}"], "gelu")
            x = self.stream(f"jets.{n}", self.dense(f"jets.{n}.embedding.2", x), mask)
            jets.append(x * ops.cast(ops.expand_dims(mask, -1), "float32"))
        context = layers.Add()(jets)
        mask = ops.logical_or(inputs["mask_1"], inputs["mask_2"])
        x = self.dense("kinematics.embedding", inputs["kinematics"])
        x = self.stream("kinematics", self.keep("kinematics.token", Offset())(x), None)
        for n in self.count("layers"):
            asked = self.norm(f"layers.{n}.context_norm", context)
            normed = self.norm(f"layers.{n}.norm", x)
            x = self.add(x, self.attention(f"layers.{n}.attention", normed, asked, mask))
            x = self.mlp(f"layers.{n}", x)
        x = self.norm("head.0", layers.GlobalAveragePooling1D()(x))
        x = layers.Dropout(self.dropout)(self.dense("head.1", x, "gelu"))
        model = keras.Model(inputs, self.dense("head.4", x))
        for name, layer in self.made:
            layer.set_weights(list(self.weights(name, layer)))
        return model

    def weights(self, name: str, layer: layers.Layer) -> Iterator[np.ndarray]:
        """Yield our weights in Keras's order and shapes."""
        if isinstance(layer, Offset):
            yield self.state[name]
        elif isinstance(layer, layers.LayerNormalization):
            yield from (self.state[f"{name}.weight"], self.state[f"{name}.bias"])
        elif isinstance(layer, layers.Dense):
            yield from (self.state[f"{name}.weight"].T, self.state[f"{name}.bias"])
        else:
            query = self.state[f"{name}.query.weight"], self.state[f"{name}.query.bias"]
            keys, values = zip(
                *(
                    np.split(self.state[f"{name}.key_value.{kind}"], 2)
                    for kind in ("weight", "bias")
                ),
                strict=True,
            )
            size = len(query[0]) // self.heads
            for weight, bias in (query, keys, values):
                yield weight.T.reshape(-1, self.heads, size)
                yield bias.reshape(self.heads, size)
            yield self.state[f"{name}.output.weight"].T.reshape(self.heads, size, -1)
            yield self.state[f"{name}.output.bias"]


class Clock(keras.callbacks.Callback):
    """CPU and wall time at the end of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.times.append((time.process_time(), time.perf_counter()))


def rates(
    model: keras.Model, data: dict[str, Any], way: dict[str, Any], epochs: int
) -> list[float]:
    """Return events per second of CPU time, and by the clock, of the fastest epoch."""
    options = dict(way)
    source = options.pop("data")
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=0.01, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **options,
    )
    events, batch = len(data["label"]), int(data["batch_size"])
    if source == "tf.data":
        parts = tf.data.Dataset.from_tensor_slices((data["x"], data["label"], data["weight"]))
        arguments: Any = (parts.cache().shuffle(events).batch(batch).prefetch(tf.data.AUTOTUNE),)
    else:
        arguments = (data["x"], data["label"], batch)
    clock = Clock()
    extra = {} if source == "tf.data" else {"sample_weight": data["weight"]}
    model.fit(*arguments, epochs=epochs, verbose=0, callbacks=[clock], **extra)
    spent = np.diff(np.array(clock.times), axis=0).min(0)
    return [float(events / seconds) for seconds in spent]


def main() -> None:
    """Measure every way to train, on the arrays of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("npz")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--data", nargs="+", default=["tf.data", "arrays"])
    parser.add_argument("--jit", nargs="+", type=int, default=[1, 0])
    given = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(given.threads)
    tf.config.threading.set_inter_op_parallelism_threads(given.threads)
    with np.load(given.npz) as file:
        held = {name: file[name] for name in file.files}
    state = {n.removeprefix("state."): v for n, v in held.items() if n.startswith("state.")}
    x = {n.removeprefix("x."): v for n, v in held.items() if n.startswith("x.")}
    data = {"x": x, **{name: held[name] for name in ("label", "weight", "batch_size")}}
    network = Network(state, int(held["heads"]), float(held["dropout"]))
    model = network.build({name: array.shape[1:] for name, array in x.items()})
    few = {name: array[:64] for name, array in x.items()}
    difference = np.abs(np.asarray(model(few)) - held["logits"][:64]).max()
    found = {"parameters": model.count_params(), "difference": float(difference), "ways": []}
    for source, jit, steps in itertools.product(given.data, given.jit, (1, 16)):
        way = {"data": source, "jit_compile": bool(jit), "steps_per_execution": steps}
        model = Network(state, int(held["heads"]), float(held["dropout"])).build(
            {name: array.shape[1:] for name, array in x.items()}
        )
        cpu, clock = rates(model, data, way, given.epochs)
        found["ways"].append({**way, "cpu": cpu, "clock": clock})
    print(
        json.dumps(found | {"version": f"Keras {keras.__version__}, TensorFlow {tf.__version__}"})
    )


if __name__ == "__main__":
    main()
