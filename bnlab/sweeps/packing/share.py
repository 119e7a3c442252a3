"""Division of waiting runs among the processes at work in a study."""


def sizes(runs: int, waiting: int, slots: int, own: int, most: int) -> list[int]:
    """Return the sizes of packs of runs that can be trained together, the largest first.

    A process without colleagues makes as few packs as it can train at once. Otherwise a pack holds at most half of a
    slot's share of the runs that then wait (guided self-scheduling), so that the last packs are single runs and all
    slots end at about the same time, however fast each is and whenever it came.

    Args:
        runs: number of runs to divide.
        waiting: number of all waiting runs of the study, which include them.
        slots: number of packs that all processes train at once; `own` are this process's.
        most: largest number of runs in a pack.
    """
    if slots <= own:
        number = -(-runs // min(most, -(-waiting // own)))
        return sorted((runs * (n + 1) // number - runs * n // number for n in range(number)), reverse=True)
    found = []
    while runs > 0:
        size = min(most, runs, -(-waiting // (2 * slots)))
        found.append(size)
        runs, waiting = runs - size, waiting - size
    return found
