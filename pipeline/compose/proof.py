"""Proves the templates before a mail needs them: rendered with samples, complete, harmless, and of one word."""

import email.policy
from email import message_from_bytes
from email.message import EmailMessage
from typing import cast

from pipeline.compose.drafting import reply
from pipeline.compose.headers import SUBJECT_LIMIT
from pipeline.compose.parity import active_content, difference
from pipeline.compose.samples import CASE, CORRESPONDENT, DUE, FIELDS, NOW, SENDER, Sample, samples
from pipeline.compose.templates import SUBJECT, Templates, TemplatesBroken


def verify(templates: Templates) -> tuple[str, ...]:
    """Return what is wrong with the templates, one sentence each; empty when every kind can be drafted.

    Every kind is rendered with every sample. Its folder must hold the three files, its subject must begin with one
    ``Re:`` and name the Case once, its two bodies must say the same words, and its HTML must load and run nothing.
    """
    troubles: dict[str, None] = {}
    for kind in templates.kinds:
        if missing := templates.missing(kind):
            troubles[f"The mail kind {kind} lacks {', '.join(missing)}: add what is missing to its folder."] = None
            continue
        for sample in samples():
            for due in (DUE, ""):
                for trouble in _troubles(kind, sample, due, templates):
                    troubles[trouble] = None
    return tuple(troubles)


def _troubles(kind: str, sample: Sample, due: str, templates: Templates) -> tuple[str, ...]:
    try:
        draft = reply(
            kind,
            message=sample.message,
            judged=sample.judged,
            decision=sample.decision,
            case=CASE,
            correspondent=CORRESPONDENT,
            due=due,
            sender=SENDER,
            now=NOW,
            field_order=FIELDS,
            templates=templates,
        )
    except TemplatesBroken as trouble:
        return (str(trouble),)
    text, html = bodies(draft.raw)
    found = []
    if not draft.subject.startswith("Re: ") or draft.subject.count(CASE) != 1 or len(draft.subject) > SUBJECT_LIMIT:
        found.append(f"{kind}/{SUBJECT} must give 'Re: ', the subject and the case number once: '{draft.subject}'.")
    if apart := difference(text, html):
        found.append(f"The two bodies of {kind} differ for {sample.label}: {apart}. Make them say the same.")
    if active := active_content(html):
        found.append(f"The HTML body of {kind} holds '{active}', which loads or runs something: take it out.")
    return tuple(found)


def bodies(raw: bytes) -> tuple[str, str]:
    """Return the text and the HTML of a Draft's bytes as a mail program shows them."""
    mail = message_from_bytes(raw, policy=email.policy.default)
    text, html = (cast("EmailMessage", part).get_content() for part in mail.iter_parts())
    return str(text).replace("\r\n", "\n"), str(html).replace("\r\n", "\n")
