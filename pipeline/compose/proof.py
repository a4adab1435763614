"""Proves the templates before a mail needs them: rendered with samples, complete, harmless, and of one word."""

import email.policy
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from itertools import cycle, product
from typing import cast

from pipeline.compose.amendments import AMENDMENT, amendment_reply
from pipeline.compose.aside import ASIDE, aside_note, aside_samples
from pipeline.compose.drafting import reply
from pipeline.compose.headers import SUBJECT_LIMIT
from pipeline.compose.notices import NOTICES, notices
from pipeline.compose.parity import active_content, difference
from pipeline.compose.reminders import EXPIRED, REMINDERS, expired_notice, is_reminder, reminder
from pipeline.compose.sample_release import LINKS, LISTED, SETTINGS, VERSION, amendment_samples, release_samples
from pipeline.compose.sample_reminders import NUMBER, SSC, expired_samples, reminder_samples
from pipeline.compose.samples import CASE, CORRESPONDENT, DUE, FIELDS, NOW, SENDER, TITLES, samples
from pipeline.compose.templates import SUBJECT, Templates, TemplatesBroken
from pipeline.domain.draft import Draft

Labelled = tuple[str, Draft]
"""A Draft and the label of the sample it was made of."""

_SUBJECT_OF_ANSWER = "'Re: ', the subject and the case number once"
_SUBJECT_OF_NOTICE = "one line with the version once, and no 'Re:'"
_SUBJECT_OF_NOTE = "one line with the mail's number once, and no 'Re:'"
_SUBJECT_OF_REMINDER = "one line with the certificate's number once, and no 'Re:'"


def verify(templates: Templates) -> tuple[str, ...]:
    """Return what is wrong with the templates, one sentence each; empty when every kind can be drafted.

    Every kind is rendered with every sample. Its folder must hold the three files. The subject of an answer must begin
    with one ``Re:`` and name the Case once, that of a notice must name the version once. The two bodies must say the
    same words, and the HTML must load and run nothing. The kinds that the code itself asks for must be there.
    """
    troubles: dict[str, None] = {}
    whole = []
    for kind in sorted({*templates.kinds, *NOTICES, *REMINDERS, EXPIRED, AMENDMENT, ASIDE}):
        if missing := templates.missing(kind):
            troubles[f"The mail kind {kind} lacks {', '.join(missing)}: add what is missing to its folder."] = None
        else:
            whole.append(kind)
    for rehearsed in _rehearsals(whole, templates):
        try:
            for label, draft in rehearsed:
                troubles.update(dict.fromkeys(_troubles(label, draft)))
        except TemplatesBroken as trouble:
            troubles[str(trouble)] = None
    return tuple(troubles)


def _rehearsals(kinds: Sequence[str], templates: Templates) -> Iterator[Iterator[Labelled]]:
    unasked = {*NOTICES, *filter(is_reminder, kinds), EXPIRED, ASIDE}
    yield from (_replies(kind, templates) for kind in kinds if kind not in unasked and kind != AMENDMENT)
    if ASIDE in kinds:
        yield _asides(templates)
    yield from (_reminders(kind, templates) for kind in kinds if is_reminder(kind))
    if EXPIRED in kinds:
        yield _expired(templates)
    if AMENDMENT in kinds:
        yield _amendment_replies(templates)
    if set(NOTICES) <= set(kinds):
        yield _notices(templates)


def _replies(kind: str, templates: Templates) -> Iterator[Labelled]:
    for sample, due, stranger in product(samples(), (DUE, ""), (None, TITLES)):
        yield (
            sample.label if stranger is None else f"{sample.label}, to a stranger",
            reply(
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
                stranger=stranger,
            ),
        )


def _amendment_replies(templates: Templates) -> Iterator[Labelled]:
    message = samples()[-1].message
    for (label, amendments), due, stranger in product(amendment_samples(), (DUE, ""), (False, True)):
        yield (
            f"{label}, to a stranger" if stranger else label,
            amendment_reply(
                message,
                amendments,
                listed=LISTED,
                case=CASE,
                correspondent=CORRESPONDENT,
                due=due,
                sender=SENDER,
                now=NOW,
                templates=templates,
                stranger=stranger,
            ),
        )


def _notices(templates: Templates) -> Iterator[Labelled]:
    for (label, release), link in zip(release_samples(), cycle(LINKS), strict=False):
        for draft in notices(release, SETTINGS, link=link, sender=SENDER, now=NOW, templates=templates):
            yield label, draft


def _reminders(kind: str, templates: Templates) -> Iterator[Labelled]:
    for label, told in reminder_samples(kind):
        yield label, reminder(told, sender=SENDER, now=NOW, templates=templates)


def _expired(templates: Templates) -> Iterator[Labelled]:
    for label, told in expired_samples():
        yield label, expired_notice(told, SSC, sender=SENDER, now=NOW, templates=templates)


def _asides(templates: Templates) -> Iterator[Labelled]:
    for label, told in aside_samples(NUMBER):
        yield label, aside_note(told, label, sender=SENDER, now=NOW, templates=templates)


def _troubles(label: str, draft: Draft) -> tuple[str, ...]:
    kind = draft.kind
    text, html = bodies(draft.raw)
    found = []
    if wanted := _unsound(kind, draft.subject):
        found.append(f"{kind}/{SUBJECT} must give {wanted}: '{draft.subject}'.")
    if apart := difference(text, html):
        found.append(f"The two bodies of {kind} differ for {label}: {apart}. Make them say the same.")
    if active := active_content(html):
        found.append(f"The HTML body of {kind} holds '{active}', which loads or runs something: take it out.")
    return tuple(found)


def _unsound(kind: str, subject: str) -> str:
    """Return what the subject of that kind must be, or an empty text where it is so."""
    short = len(subject) <= SUBJECT_LIMIT
    if kind in NOTICES:
        named, wanted = VERSION, _SUBJECT_OF_NOTICE
    elif kind == ASIDE:
        named, wanted = NUMBER, _SUBJECT_OF_NOTE
    elif is_reminder(kind) or kind == EXPIRED:
        named, wanted = NUMBER, _SUBJECT_OF_REMINDER
    else:
        return "" if subject.startswith("Re: ") and subject.count(CASE) == 1 and short else _SUBJECT_OF_ANSWER
    return "" if subject.count(named) == 1 and not subject.startswith("Re:") and short else wanted


def bodies(raw: bytes) -> tuple[str, str]:
    """Return the text and the HTML of a Draft's bytes as a mail program shows them."""
    mail = message_from_bytes(raw, policy=email.policy.default)
    parts = (mail.get_body((kind,)) for kind in ("plain", "html"))
    text, html = (cast("EmailMessage", part).get_content() for part in parts)
    return str(text).replace("\r\n", "\n"), str(html).replace("\r\n", "\n")
