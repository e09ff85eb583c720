"""Several specs -> their profiles: those that are kept, and the others counted, here or in processes of their own."""

from archprof.pipeline.execution import Means
from archprof.pipeline.plan import foresee, profile_all
from archprof.pipeline.task import Task

__all__ = ["Means", "Task", "foresee", "profile_all"]
