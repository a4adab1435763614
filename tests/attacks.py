"""Published attacks on Office package signatures, each built from the project's own signed workbook.

The classes are those of Rohlmann et al., "Every Signature is Broken: On the Insecurity of Microsoft Office's OOXML
Signatures" (USENIX Security 2023): content injection (CIA), content masking (CMA), legacy wrapping (LWA), universal
signature forgery (USF) and malicious repair (MRA); the others attack the zip, the XML signature or its policy.
"""

from collections.abc import Mapping

from tests import attacks_parts, attacks_xml, attacks_zip
from tests.attacked import Attack

ATTACKS: Mapping[str, Attack] = dict(
    sorted((attacks_parts.ATTACKS | attacks_xml.ATTACKS | attacks_zip.ATTACKS).items())
)
"""All of them by name, in the order of their numbers."""
