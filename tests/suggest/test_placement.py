"""Answers on real models: what is predicted is what is counted, and nothing is better."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import pytest

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.sources.listing import ultralytics_yamls
from archprof.sources.reference import resolve
from archprof.suggest.additive import ADDITIVE, Budget, parse_budgets, totals
from archprof.suggest.deltas import count_with, measure_deltas
from archprof.suggest.placement import suggest
from archprof.suggest.problem import Question
