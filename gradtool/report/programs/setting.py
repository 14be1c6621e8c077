"""What stands before an idiom with a model of the user's: imports, seeds, the file, its data, its model, its loss."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gradtool.evidence import Numbers, Side
from gradtool.values import Shape

__all__ = ["Setting"]

_BEGINNINGS: Mapping[str, str] = MappingProxyType(
    {
        "keras": 'keras.config.set_floatx("{dtype}")\nkeras.utils.set_random_seed({seed})',
        "torch": "torch.set_default_dtype(torch.{dtype})\ntorch.manual_seed({seed})",
        "numpy": "np.random.seed({seed})",
    }
)
"""By library what is settled before a file runs that makes something by it."""

_IMPORTS = {"numpy": "import numpy as np", "tensorflow": "import tensorflow as tf"}


@dataclass(frozen=True, slots=True)
class _Words:
    """How a framework writes what all of them have.

    ``channels`` are the axes between which the channels move; the ``loss`` has its arguments in the framework's order.
    """

    libraries: tuple[str, ...]
    tensor: str
    integers: str
    channels: str
    loss: str
    projection: str
    before: str = ""


_TORCH = "torch.tensor({0}, dtype=torch.{1})", "int64"
_BY_TORCH = "output, targets", "(output * targets).sum()"
_WORDS: Mapping[str, _Words] = MappingProxyType(
    {
        "PyTorch": _Words(("torch",), *_TORCH, "-1, 1", *_BY_TORCH),
        "Keras": _Words(
            ("keras", "tensorflow"), "tf.constant({0}, dtype=tf.{1})", "int32", "1, -1",
            "targets, output", "tf.reduce_sum(output * targets)",
        ),
        "Keras on PyTorch": _Words(
            ("keras", "torch"), *_TORCH, "1, -1", *_BY_TORCH,
            'import os\n\nos.environ["KERAS_BACKEND"] = "torch"  # before Keras is imported\n\n',
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """One side with the stem of its ``file``; the inputs and targets, with those of the files that hold them.

    ``outputs`` is the shape of what the left model gives, as which a projection is drawn.
    """

    side: Side
    seed: int
    trains: bool
    file: str
    inputs: Sequence[Numbers]
    inputs_file: str
    targets: Sequence[Numbers]
    targets_file: str
    outputs: Shape

    def text(self, taken: Collection[str]) -> str:
        """All of it. ``taken`` are the words of what follows, none of which may be what the file is called here."""
        names = {stem: f"{stem}_file" if stem in taken else stem for stem in self._files()}
        imports = [f"import {stem}" + (f" as {name}" if name != stem else "") for stem, name in names.items()]
        note = f"# To be run in the folder of {self.file}.py; the weights are those that the file begins with."
        head = f"{_WORDS[self.side.framework].before}{self._libraries()}"
        data = "\n".join([*self._inputs(names), f"Y = {self._goal(names)}"])
        parts = (note, head, self._beginning(), "\n".join(imports), data, self._model(names[self.file]))
        return "\n\n".join(parts) + f"\n\n\n{self._loss(names[self.file])}"

    def called(self, body: str) -> str:
        """The body with the model called as this one is: with several inputs, in the mode of the comparison.

        Among the parameters that Keras hands to PyTorch are the states of its random numbers, which nothing trains.
        """
        if self.side.framework == "PyTorch":
            return body.replace("model(X)", "model(*X)") if len(self.inputs) > 1 else body
        body = body.replace("model(X)", "model(X, training=True)").replace("model.parameters()", "trained")
        return body if self.trains else body.replace("training=True", "training=False")

    def _files(self) -> list[str]:
        """The stems of those that are imported, the model's own first."""
        held = ((self.inputs_file, self.inputs), (self.targets_file, self.targets))
        return list(dict.fromkeys([self.file, *(file for file, rows in held if any(one.code for one in rows))]))

    def _makers(self) -> list[str]:
        """The libraries by which the files make the model and the data."""
        makers = {one.maker for one in (*self.inputs, *self.targets) if one.code}
        wanted = {*_WORDS[self.side.framework].libraries, *makers}
        found = [name for name in _BEGINNINGS if name in wanted or (name == "keras" and "tensorflow" in wanted)]
        return [name for name in found if name != "numpy" or "keras" not in found]  # Keras's seed is NumPy's too

    def _libraries(self) -> str:
        libraries = sorted({*_WORDS[self.side.framework].libraries, *self._makers(), "numpy"})
        return "\n".join(_IMPORTS.get(name, f"import {name}") for name in libraries)

    def _beginning(self) -> str:
        told = "\n".join(_BEGINNINGS[name] for name in self._makers())
        return told.format(dtype=self.side.dtype, seed=self.seed)

    def _tensor(self, array: str, *, whole: bool, moved: bool = False) -> str:
        words = _WORDS[self.side.framework]
        array = f"np.moveaxis({array}, {words.channels})" if moved else array
        return words.tensor.format(array, words.integers if whole else self.side.dtype)

    def _inputs(self, names: Mapping[str, str]) -> list[str]:
        """The lines that give X: the file's own, or drawn as for the comparison."""
        drawn = any(not one.code for one in self.inputs)
        rows = []
        for one, moved in zip(self.inputs, self.side.written.moved, strict=True):
            array = (
                f"drawn.integers(0, {one.below}, {one.shape})" if one.whole else f"drawn.standard_normal({one.shape})"
            )
            array = f"np.asarray({names[self.inputs_file]}.{one.code})" if one.code else array
            rows.append(self._tensor(array, whole=one.whole, moved=moved))
        told = f"X = {rows[0]}" if len(rows) == 1 else "X = [\n" + "".join(f"    {row},\n" for row in rows) + "]"
        return [*([f"drawn = np.random.default_rng({self.seed})"] if drawn else []), told]

    def _goal(self, names: Mapping[str, str]) -> str:
        """The targets; without a loss of the file's own the projection of the comparison."""
        if self.side.loss:
            rows = [self._tensor(f"np.asarray({names[self.targets_file]}.{one.code})", whole=one.whole)
                    for one in self.targets]  # fmt: skip
            return rows[0] if rows else "None  # the loss takes no targets"
        drawn = f"np.random.default_rng({self.seed}).standard_normal({self.outputs})"
        return self._tensor(drawn, whole=False, moved=tuple(self.side.outputs[0]) != self.outputs)

    def _model(self, file: str) -> str:
        made = f"model = {file}.{self.side.written.model}"
        if self.side.framework == "PyTorch":
            return f"{made}.to(torch.{self.side.dtype})" + ("" if self.trains else "\nmodel.eval()")
        own = any(one.code for one in self.inputs)  # drawn ones are for models that know their shapes
        made += "\nmodel(X)  # a model that does not know its shapes is built by its first call" if own else ""
        trained = "\ntrained = [variable.value for variable in model.trainable_variables]"
        return made + (trained if self.side.framework == "Keras on PyTorch" else "")

    def _loss(self, file: str) -> str:
        words = _WORDS[self.side.framework]
        own = f"{file}.{self.side.written.loss}" if self.side.loss else words.projection
        why = "" if self.side.loss else "  # the file names none: a projection of the output, as in the comparison"
        return f"def loss_function({words.loss}):{why}\n    return {own}"
