"""Requests -> finished profiles: the only place that builds, counts, measures, predicts and caches models."""

from archprof.pipeline.execution import ExecutionConfig
from archprof.pipeline.profiles import prewarm, profile_all, profiles_of
from archprof.pipeline.request import PredictionRequest, Request

__all__ = ["ExecutionConfig", "PredictionRequest", "Request", "prewarm", "profile_all", "profiles_of"]
