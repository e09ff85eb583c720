"""Several specs -> their profiles: those that are kept, and the others counted, here or in processes of their own."""

from archprof.batch.means import Means
from archprof.batch.plan import foresee, profile_all
from archprof.batch.task import Task

__all__ = ["Means", "Task", "foresee", "profile_all"]
