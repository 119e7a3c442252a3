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
Rate = Annotated[float, Field(ge=0, lt=1)]  # dropout probability or momentum, which must be less than 1
Share = Annotated[float, Field(gt=0, le=1)]  # of what is kept: none would leave nothing
Percent = Annotated[float, Field(ge=0, le=100)]
Bins = Annotated[int, Field(ge=1, le=4096)]
Count = Annotated[int, Field(ge=1, le=2**63 - 1)]  # the largest integer of torch and numpy
Natural = Annotated[int, Field(ge=0, le=2**63 - 1)]
Workers = Annotated[int, Field(ge=1, le=1024)]  # threads or processes: far more would crash the process
Seeds = Annotated[int, Field(ge=1, le=1000)]
Size = Annotated[int, Field(ge=2, le=2**16)]  # of a net or a batch, parts of which are compared: two at least
Steps = Annotated[int, Field(ge=3, le=2**16)]  # in time: away from both ends one must be left
Zoom = Annotated[int, Field(ge=1, le=32)]  # how often pixels are repeated
Activation = Literal["relu", "sigmoid", "tanh", "gelu", "identity"]
Init = Literal["torch", "he", "glorot", "normal"]

# When a diagnostic is due: at initialization, after 1, 2, 4, 8 … updates, after each epoch, at the last step, or
# every k updates.
Moment = Literal["init", "log", "epoch", "last"] | Count
