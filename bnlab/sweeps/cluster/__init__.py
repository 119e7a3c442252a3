"""Workers of a study in Slurm: the sbatch script, its submission, and the wait for its runs.

Slurm only starts `bnlab worker`; which runs are waiting, in training or finished is read from the study's folder.
submitit is not used: it sends pickled functions and returns pickled results, which a folder of runs does not need, and
learns the end of a job from `sacct`, which many clusters do not have.
"""
