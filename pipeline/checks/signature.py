"""The digital signature of a submission that carries a hash (guidance V6.0, 7.5, 8(2) and Appendix 2).

What was read is judged topic by topic, so that the reply names the step that failed and what to do about that step.
With several signatures on a workbook, every one must hold, and one must come from the creator of the image.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

from pipeline.checks.matter import Judge, Matter, Say, check, quoted
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.product import IMAGE_HASH
from pipeline.domain.signature import (
    PackageSignature,
    PathState,
    SignatureFault,
    SignatureReading,
    SigningCertificate,
)
from pipeline.rulebook.signers import Authorisation

CREATOR = "Manufacturer_Image.creator"
_MOST_TOLD = 5
"""Faults of one topic that the sentence names; the evidence has all of them."""
SIGN_AGAIN = "Sign the workbook in Excel again, as the very last step: every save after signing breaks the signature."
_REFUSED = frozenset({"expired", "not-yet-valid", "revoked", "purpose", "name-constraints", "bad-chain", "unreadable"})
"""Codes of a path that speak of the certificate itself; the others speak of who issued it."""
PATH_REMEDIES = {
    "expired": "Renew the certificate with your Certification Authority and sign the workbook again.",
    "not-yet-valid": "Wait until the certificate is valid, then sign the workbook again.",
    "revoked": "Obtain a new certificate from your Certification Authority and sign the workbook again.",
    "purpose": "Obtain a certificate for signing documents, not one for servers or encryption.",
    "missing-intermediate": "Sign again on a machine that has the whole chain of the certificate installed.",
}
NEW_CERTIFICATE = "Obtain a certificate from a recognised Certification Authority and sign the workbook again."
_FORMS = "limited ltd plc llp gmbh ag se sa sas srl spa bv nv inc corp corporation company co as aps oy ab"
_LEGAL_FORMS = re.compile(rf"\b(s p a|s r l|a s|{'|'.join(_FORMS.split())})\b")


def _sought(reading_judge: Callable[[Matter, Say, SignatureReading], Iterator[Finding]]) -> Judge:
    """Ask a check about the signature only where one is needed and one was read."""

    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        reading = matter.submission.signature
        if not matter.submission.text(IMAGE_HASH):
            yield say.not_applicable("There is no hash, so no signature is needed.")
        elif reading is None or reading.problems or not reading.signatures:
            yield say.not_applicable("There is no signature that could be looked at, which signature.present reports.")
        else:
            yield from reading_judge(matter, say, reading)

    judge.__doc__ = reading_judge.__doc__
    return judge


@check("signature.present")
def present(matter: Matter, say: Say) -> Iterator[Finding]:
    """A submission with a hash is signed; a signature of the macro alone is not one of the workbook."""
    reading = matter.submission.signature
    if not matter.submission.text(IMAGE_HASH):
        yield say.not_applicable("There is no hash, so no signature is needed.")
    elif reading is None or reading.problems:
        why = reading.problems[0].text.rstrip(".") if reading else "nobody has read it"
        yield say.look(f"The digital signature could not be looked at: {why}.", matter.whole_file(), subject=IMAGE_HASH)
    elif reading.faults and not reading.signatures:
        fault = reading.faults[0]
        yield say.fail(
            f"The workbook is not validly signed: {fault.text.rstrip('.')}.",
            _at(matter, fault.where),
            subject=IMAGE_HASH,
            remedy=SIGN_AGAIN,
            expected="a digital signature of the workbook",
        )
    elif not reading.signatures:
        only_macro = (
            " Only its macro is signed, which is not a signature of the workbook." if reading.vba_signed else ""
        )
        yield say.fail(
            f"The submission gives a Manufacturer Image hash, but the workbook is not digitally signed.{only_macro}",
            matter.whole_file(),
            subject=IMAGE_HASH,
            expected="a digital signature by the organisation that created the image",
            why="Without it nobody can tell who stands for the hash.",
            remedy="Add a digital signature in Excel (File, Info, Protect Workbook), or leave the image out.",
        )


def _faults_of(topic: str) -> Callable[[Matter, Say, SignatureReading], Iterator[Finding]]:
    def judge(matter: Matter, say: Say, reading: SignatureReading) -> Iterator[Finding]:
        """Report what the reader found wrong under this topic, in the package and in each signature, as one fault.

        One save after signing changes many parts, and one part that was added is unsigned in many ways.
        """
        every = (*reading.faults, *(fault for signature in reading.signatures for fault in signature.faults))
        faults: dict[tuple[str, str], SignatureFault] = {}  # co-signers may all complain of one part
        for fault in every:
            if fault.topic == topic:
                faults.setdefault((fault.code, fault.where), fault)
        found = list(faults.values())
        if found:
            told = [f"{fault.text.rstrip('.')}." for fault in found[:_MOST_TOLD]]
            more = [f"And {len(found) - len(told)} more like these."] if len(found) > len(told) else []
            yield say.fail(
                " ".join((*told, *more)),
                tuple(item for where in dict.fromkeys(fault.where for fault in found) for item in _at(matter, where)),
                subject=found[0].where,
                expected=_EXPECTED[topic],
                remedy=REMEDIES[topic],
            )

    return judge


_EXPECTED = {
    "integrity": "every signed part exactly as it was when it was signed",
    "coverage": "a signature over every part of the workbook",
    "algorithm": "SHA-256 or stronger, with RSA of 2048 bits or more or an elliptic curve of 256 bits or more",
}
REMEDIES = {
    "integrity": SIGN_AGAIN,
    "coverage": "Remove all signatures, save the workbook in Excel, sign it, and send it without any other change.",
    "algorithm": "Sign again with a current version of Office and a certificate that allows SHA-256.",
}

integrity = check("signature.integrity")(_sought(_faults_of("integrity")))
coverage = check("signature.coverage")(_sought(_faults_of("coverage")))
algorithm = check("signature.algorithm")(_sought(_faults_of("algorithm")))


def _certificate(matter: Matter, say: Say, reading: SignatureReading) -> Iterator[Finding]:
    """The certificate is valid on the day of receipt, for signing, and not revoked."""
    for signature in reading.signatures:
        path = signature.path
        # An authorisation says that the certificate is known, and never that it was not revoked.
        if path is None or (path.code != "revoked" and _authorised(matter, signature)):
            continue
        evidence = _signer(matter, signature)
        if path.code in _REFUSED:
            yield say.fail(
                f"{path.text.rstrip('.')}.",
                evidence,
                subject=signature.part,
                expected="a certificate for signing that is valid on the day of receipt and not revoked",
                remedy=PATH_REMEDIES.get(path.code, NEW_CERTIFICATE),
            )
        elif path.state is PathState.UNDECIDED and path.code != "missing-intermediate":
            yield say.look(
                f"{path.text.rstrip('.')}.",
                evidence,
                subject=signature.part,
                expected="proof from the issuer that the certificate is not revoked",
            )


def _recognised(matter: Matter, say: Say, reading: SignatureReading) -> Iterator[Finding]:
    """The certificate comes from a recognised Certification Authority, not from one of the submitter's own."""
    for signature in reading.signatures:
        path = signature.path
        if path is None or path.state is PathState.TRUSTED or path.code in _REFUSED or _authorised(matter, signature):
            continue
        evidence = _signer(matter, signature)
        if path.code in {"self-signed", "unknown-issuer"}:
            yield say.fail(
                f"{path.text.rstrip('.')}.",
                evidence,
                subject=signature.part,
                expected="a certificate from a recognised Certification Authority",
                why="A certificate that is internal to an organisation proves nothing to others.",
                remedy=NEW_CERTIFICATE,
            )
        elif path.code == "missing-intermediate":
            yield say.look(
                f"{path.text.rstrip('.')}.",
                evidence,
                subject=signature.part,
                expected="the certificates between the signer's and a recognised Certification Authority's",
                remedy=PATH_REMEDIES[path.code],
            )


def _identity(matter: Matter, say: Say, reading: SignatureReading) -> Iterator[Finding]:
    """The organisation of one signer is identical to Manufacturer_Image.creator (Appendix 2)."""
    creator = matter.submission.text(CREATOR)
    if not creator:
        yield say.not_applicable("There is no creator to compare the signer with, which image.complete reports.")
        return
    signers = [s for s in reading.signatures if s.certificate is not None]
    if not signers:
        yield say.not_applicable("No signer's certificate could be read, which the other signature checks report.")
        return
    subjects = [s.certificate.organisations for s in signers if s.certificate is not None]
    if any(_authorised(matter, signature) for signature in signers) or any(
        [_composed(name) for name in organisations] == [_composed(creator)] for organisations in subjects
    ):
        return
    named = [name for organisations in subjects for name in organisations]
    shown = " and ".join(quoted(name) for name in dict.fromkeys(named)) or "no organisation"
    sentence = f"The signer's certificate names {shown}, and {CREATOR} is {quoted(creator)}."
    evidence = (*matter.evidence(CREATOR), *(item for s in signers for item in _signer(matter, s)))
    more = {
        "subject": CREATOR,
        "expected": "the organisation in the certificate written exactly as the creator",
        "why": "SECAS accepts a hash only from the organisation that created the image.",
    }
    if any(_composed(name) == _composed(creator) for name in named):
        yield say.look(f"{sentence} Nobody can tell which of several organisations signed.", evidence, **more)
    elif any(_alike(name, creator) for name in named):
        yield say.look(f"{sentence} They differ in writing only.", evidence, **more)
    elif any(_same_maker(matter, name, creator) for name in named):
        yield say.look(f"{sentence} Both are known as names of one manufacturer.", evidence, **more)
    else:
        yield say.fail(
            sentence,
            evidence,
            **more,
            remedy="Write the creator as in your certificate, or have the creator of the image sign.",
        )


certificate = check("signature.certificate")(_sought(_certificate))
recognised = check("signature.recognised")(_sought(_recognised))
identity = check("signature.identity")(_sought(_identity))

CHECKS = (present, integrity, coverage, algorithm, certificate, recognised, identity)


def folded(name: str) -> str:
    """Return an organisation's name without case, accents, punctuation and legal form, for the side-by-side look."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    text = " ".join(re.sub(r"[\W_]+", " ", plain).split())
    return " ".join(_LEGAL_FORMS.sub(" ", text).split()) or text


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _alike(one: str, other: str) -> bool:
    return bool(folded(one)) and folded(one) == folded(other)


def _same_maker(matter: Matter, organisation: str, creator: str) -> bool:
    makers = matter.rules.manufacturers.values()
    return any(
        any(_alike(organisation, name) for name in maker) and any(_alike(creator, name) for name in maker)
        for maker in makers
    )


def _authorised(matter: Matter, signature: PackageSignature) -> bool:
    """Guidance 7.5: an existing authorisation, as listed with its certificate and dates in rules/signers.yaml."""
    certificate = signature.certificate
    return certificate is not None and any(
        item.certificate.lower() == certificate.sha256 and _holds(item, matter, certificate)
        for item in matter.rules.signers.authorisations
    )


def _holds(item: Authorisation, matter: Matter, certificate: SigningCertificate) -> bool:
    day = matter.circumstances.on
    valid = certificate.not_before[:10] <= day.isoformat() <= certificate.not_after[:10]
    return valid and item.creator == matter.submission.text(CREATOR) and item.start <= day < item.until


def _at(matter: Matter, where: str) -> tuple[Evidence, ...]:
    return (Evidence(matter.submission.artefact, matter.submission.file, where),)


def _signer(matter: Matter, signature: PackageSignature) -> tuple[Evidence, ...]:
    subject = signature.certificate.subject if signature.certificate else ""
    return (Evidence(matter.submission.artefact, matter.submission.file, signature.part, subject),)
