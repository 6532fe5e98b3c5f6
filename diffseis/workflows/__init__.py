"""Whole jobs."""

from diffseis.workflows.config import LocateConfig as LocateConfig
from diffseis.workflows.config import load_config as load_config
