"""The idioms with the very models of a comparison: the file's own model, inputs and loss in place of the toy's.

What a program does with them is the text of examples/idioms behind its loss; ``setting`` writes what stands before.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from gradtool.evidence import Numbers, PairEvidence, Side
from gradtool.report.programs import pair
from gradtool.report.programs.idioms import IDIOMS, idiom
from gradtool.report.programs.setting import Setting
from gradtool.terminal import Terminal
from gradtool.verdict.pairing.record import ModelComparison

__all__ = ["SHOWN", "markdown", "programs", "write"]

SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "training_step": "",
        "clipping": "",
        "accumulation": "whether a loss is a mean, which adds up over micro-batches so, is not known",
        "hessian_vector": "",
        "none_gradients": "",
    }
)
"""The idioms that are shown, and why one of them has the toy model always."""


def programs(record: ModelComparison, paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """By idiom and framework a program that runs in the folder of the file; ``paths`` are those of left and right.

    Where the models can't be had in a few lines, the idiom as it is, below a line that says why. Nothing without
    evidence. Raises ProblemError where the idioms are not installed.
    """
    found = record.evidence
    if found is None:
        return {}
    always = _reason(found, paths)
    told = {}
    for name, why in SHOWN.items():
        texts = idiom(name)
        if reason := why or always or (_straight(found) if name == "hessian_vector" else ""):
            told[name] = {side: f"# With a toy model: {reason}.\n{text}" for side, text in texts.items()}
        else:
            told[name] = {
                key: _program(texts[key], _setting(found, side, record, paths))
                for key, side in (("torch", found.left), ("tensorflow", found.right))
            }
    return told


def write(code: Mapping[str, Mapping[str, str]], terminal: Terminal) -> None:
    """Each idiom below its title, as ``pair.write`` tells two programs."""
    for name, texts in code.items():
        terminal.stream.write(f"\n# ---- {IDIOMS[name]}\n\n")
        pair.write(texts, terminal)


def markdown(code: Mapping[str, Mapping[str, str]]) -> str:
    """The same, with headings."""
    return "".join(f"\n## {IDIOMS[name]}\n\n{pair.markdown(texts)}" for name, texts in code.items())


def _reason(evidence: PairEvidence, paths: Sequence[Path]) -> str:
    """Why a program can't be written with these models in a few lines; empty where it can."""
    for side, path in zip((evidence.left, evidence.right), paths, strict=True):
        if not path.stem.isidentifier() or keyword.iskeyword(path.stem) or (path.parent / "__init__.py").is_file():
            return f"{path.name} is part of a package, or has a name that can't be imported"
        if not side.written.model:
            return f"no name in {path.name} gives the {side.framework} model alone"
        if not side.trained:
            return f"the {side.framework} model trains nothing"
        if not side.loss and side.keys != [""]:
            return f"the {side.framework} model gives more than a tensor, and its file names no loss"
    return "the files lie in two folders" if paths[0].parent != paths[1].parent else ""


def _straight(evidence: PairEvidence) -> str:
    one = not evidence.left.loss and sum(bool(layer.weights) for layer in evidence.left.layers) < 2
    return "the projection of what a single layer gives has no second derivative by its weights" if one else ""


def _source(evidence: PairEvidence) -> Side:
    """The side whose inputs both have."""
    sides = (evidence.left, evidence.right)
    return next(side for wanted in ("own", "drawn") for side in sides if side.inputs == wanted)


def _targets(evidence: PairEvidence, side: Side) -> tuple[Side, list[Numbers]]:
    """Whose targets a side's loss is called with: one's own, else the other's; none where it takes none."""
    owner = side if side.written.targets else evidence.right if side is evidence.left else evidence.left
    return owner, owner.written.targets if side.loss and "targets" in side.written.loss else []


def _setting(evidence: PairEvidence, side: Side, record: ModelComparison, paths: Sequence[Path]) -> Setting:
    stems = {one.framework: path.stem for one, path in zip((evidence.left, evidence.right), paths, strict=True)}
    source, (owner, targets) = _source(evidence), _targets(evidence, side)
    return Setting(
        side, record.seed, record.mode == "train", stems[side.framework], source.written.inputs,
        stems[source.framework], targets, stems[owner.framework], tuple(evidence.left.outputs[0]),
    )  # fmt: skip


def _program(text: str, setting: Setting) -> str:
    """The idiom's own words, with all that stands before its loss, and the loss, written anew."""
    about, _, rest = text.partition('"""\n\n')
    body = rest.partition("loss_function = ")[2].partition("\n")[2].strip("\n")
    begun = setting.text(set(re.findall(r"\w+", body)))
    return f'{about}"""\n\n{begun}\n\n\n{setting.called(body)}\n'
