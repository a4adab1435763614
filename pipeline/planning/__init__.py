"""What the next Release will be, as values: accepted submissions and amendments in, a ReleasePlan out (section 9)."""

from pipeline.planning.release import plan
from pipeline.planning.values import PlanRefused

__all__ = ["PlanRefused", "plan"]
