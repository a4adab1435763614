"""What is due because a certificate's date comes near or has passed (guidance V6.0, Appendix 5): pure, from the list.

Nothing here knows a timer, a ledger or a mail: the list, the keys promised before and the day come in, values go out.
"""

from pipeline.remind.calendar import Calendar, calendar
from pipeline.remind.certificates import Tracking, certificates_of
from pipeline.remind.drawing import png, svg
from pipeline.remind.due import Due, Parties, due, expired
from pipeline.remind.ics import ics
from pipeline.remind.months import months_before
from pipeline.remind.schedule import Schedule, schedule

__all__ = [
    "Calendar",
    "Due",
    "Parties",
    "Schedule",
    "Tracking",
    "calendar",
    "certificates_of",
    "due",
    "expired",
    "ics",
    "months_before",
    "png",
    "schedule",
    "svg",
]
