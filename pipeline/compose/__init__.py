"""Words what was decided: the reply to a submitter as a Draft, made of templates and Findings and nothing else.

A mail kind is a folder under templates/ (``subject.txt.j2``, ``body.txt.j2``, ``body.html.j2``); shared pieces stand
in ``templates/_base/``. Nothing here asks a clock, a network or a disk but ``Templates.load``, which reads once.
"""

from pipeline.compose.drafting import Sender, reply
from pipeline.compose.proof import bodies, verify
from pipeline.compose.templates import Templates, TemplatesBroken

__all__ = ["Sender", "Templates", "TemplatesBroken", "bodies", "reply", "verify"]
