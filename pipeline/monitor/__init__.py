"""How the worker is seen from outside: its state and figures over HTTP, and a ping after each good poll.

Nothing that is told here is of a person or of a mail: counts, ages, times, and names that the pipeline itself gives.
"""

from pipeline.monitor.expiry import TokenEnds
from pipeline.monitor.figures import Figures
from pipeline.monitor.ping import Pinger
from pipeline.monitor.rounds import Rounds
from pipeline.monitor.server import listening

__all__ = ["Figures", "Pinger", "Rounds", "TokenEnds", "listening"]
