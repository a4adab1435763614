"""Where mail goes out: one port, and SMTP behind it. What comes back is read by pipeline/readers/bounce.py."""

from pipeline.outbox.port import Outcome, Sent, Transport, TransportUnusable, Unusable
from pipeline.outbox.smtp import Smtp
from pipeline.outbox.smtp_settings import SmtpSettings, Tls
from pipeline.outbox.throttle import Throttle

__all__ = ["Outcome", "Sent", "Smtp", "SmtpSettings", "Throttle", "Tls", "Transport", "TransportUnusable", "Unusable"]
