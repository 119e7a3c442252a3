"""Types and bounds of options, as annotations that pydantic checks.

The keyword-only arguments of a constructor are the keys of its yaml; their annotations are built from these names,
from builtins, and from `Literal`, so that `bnlab.registry` can read them without importing torch.
"""

from typing import Annotated
from typing import Literal as Literal  # for the annotations that the registry reads

from pydantic import Field

Real = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]  # closed unit interval
Rate = Annotated[float, Field(ge=0, lt=1)]  # dropout probability or momentum: 1 would leave nothing
Percent = Annotated[float, Field(ge=0, le=100)]
Bins = Annotated[int, Field(ge=1, le=4096)]
Count = Annotated[int, Field(ge=1, le=2**63 - 1)]  # the largest integer of torch and numpy
Natural = Annotated[int, Field(ge=0, le=2**63 - 1)]
Workers = Annotated[int, Field(ge=1, le=1024)]  # threads or processes: far more would crash the process
Activation = Literal["relu", "sigmoid", "tanh", "gelu", "identity"]
Init = Literal["torch", "he", "glorot", "normal"]

# When a diagnostic is due: at initialization, after 1, 2, 4, 8 … updates, after each epoch, at the last step, or
# every k updates.
Moment = Literal["init", "log", "epoch", "last"] | Count
