"""The records that cross process borders: what a witness is asked, and what it testifies.

Every record is a frozen dataclass of plain values, so that the verdict and the reports are tested without any
framework.
"""

from gradtool.evidence.experiments import (
    Accumulated,
    Clipped,
    Descent,
    Digits,
    TrainingStep,
)
from gradtool.evidence.expression import (
    Autodiff,
    Checked,
    Difference,
    Exact,
    ExactEntry,
    ExactNode,
    ExactTrace,
    Formulas,
    Grid,
    Link,
    Place,
    Points,
    Request,
    SampleRequest,
    Survey,
    Trace,
    WrongEntry,
)
from gradtool.evidence.gradients import (
    Halves,
    Layer,
    Parameter,
    Statistics,
    Weights,
)
from gradtool.evidence.measures import (
    MeasureRequest,
    Mode,
    Spread,
    Timed,
)
from gradtool.evidence.model import (
    Assumed,
    Candidate,
    Head,
    Incident,
    InputSpec,
    Loss,
    ModelEvidence,
    ModelRequest,
    Optimizer,
    Term,
    Training,
)
from gradtool.evidence.outcome import (
    Failure,
    Progress,
)
from gradtool.evidence.wire import (
    Record,
    decode,
    encode,
)

__all__ = [
    "Accumulated",
    "Assumed",
    "Autodiff",
    "Candidate",
    "Checked",
    "Clipped",
    "Descent",
    "Difference",
    "Digits",
    "Exact",
    "ExactEntry",
    "ExactNode",
    "ExactTrace",
    "Failure",
    "Formulas",
    "Grid",
    "Halves",
    "Head",
    "Incident",
    "InputSpec",
    "Layer",
    "Link",
    "Loss",
    "MeasureRequest",
    "Mode",
    "ModelEvidence",
    "ModelRequest",
    "Optimizer",
    "Parameter",
    "Place",
    "Points",
    "Progress",
    "Record",
    "Request",
    "SampleRequest",
    "Spread",
    "Statistics",
    "Survey",
    "Term",
    "Timed",
    "Trace",
    "Training",
    "TrainingStep",
    "Weights",
    "WrongEntry",
    "decode",
    "encode",
]
