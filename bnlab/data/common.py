"""Options that all data sets share; their defaults are in conf/data/_base.yaml."""

from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from bnlab.errors import Refused
from bnlab.options import Count, Natural, NonNegative


def _as_written(value: Any) -> Any:
    """Reject a float of 1 or more: 1.0 could be meant as the whole set, but would be one example."""
    if isinstance(value, float) and value >= 1:
        number = int(value) if value.is_integer() else None
        example = f" ({number} for {'one example' if number == 1 else f'{number} examples'})" if number else ""
        raise PydanticCustomError("share_or_number", "{text}", {
            "text": f"a share below 1, or a number of examples written as a whole number{example}"})  # fmt: skip
    return value


ShareOrNumber = Annotated[NonNegative, BeforeValidator(_as_written)]


class Common:
    """Options of splitting and batching a data set.

    Args:
        train_size: number of training examples; None for all that are not used for validation.
        val_size: validation examples, drawn from the training set: a share of it if below 1, else an integer number.
        split_seed: seed of the validation split and the training subset; independent of the run's seed.
        batch_size: examples per batch, the batch that norms see.
        drop_last: leave out an epoch's last batch if it is smaller than the others.
        augment: randomly shift training images, and mirror colour ones (see `bnlab.data.augment`).
    """

    def __init__(
        self,
        *,
        train_size: Count | None,
        val_size: ShareOrNumber,
        split_seed: Natural,
        batch_size: Count,
        drop_last: bool,
        augment: bool,
    ) -> None:
        self.train_size = train_size
        self.val_size = val_size
        self.split_seed = split_seed
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.augment = augment

    def batches_per_epoch(self, n_train: int) -> int:
        """Return the number of batches in an epoch over `n_train` examples.

        Raises:
            Refused: there are none, because `drop_last` leaves out the only batch, which is incomplete.
        """
        full, rest = divmod(n_train, self.batch_size)
        batches = full + (rest > 0 and not self.drop_last)
        if batches == 0:
            raise Refused(
                f"data.batch_size={self.batch_size} is more than the {n_train} training examples, so"
                f" data.drop_last=true leaves no batch: lower it to {n_train} or less, or set data.drop_last=false"
            )
        return batches

    def updates_per_epoch(self, n_train: int, accumulate: int) -> int:
        """Return the number of updates of `accumulate` batches in an epoch; an incomplete group of batches is dropped.

        Raises:
            Refused: an epoch has fewer than `accumulate` batches.
        """
        batches = self.batches_per_epoch(n_train)
        if batches < accumulate:
            raise Refused(
                f"accumulate={accumulate} is more than the {batches} batches of {self.batch_size} that {n_train}"
                f" training examples make: lower it to {batches} or less, or lower data.batch_size"
            )
        return batches // accumulate
