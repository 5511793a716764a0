"""The messages in ``wire/``: files named by RFC and section, and what must become of those of the torture RFCs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

WIRE: Final = Path(__file__).parent / "wire"

#: RFC 4475 and RFC 5118: what a user agent server answers (a trunk's request is let in and answered with 200,
#: a REGISTER is challenged), None where nothing may be answered.
VALID: Final[dict[str, int | None]] = {
    "rfc4475/3.1.1.1-wsinv": 481,  # its To has a tag, of a dialog that we do not have
    "rfc4475/3.1.1.2-intmeth": 501,
    "rfc4475/3.1.1.3-esc01": 200,
    "rfc4475/3.1.1.4-escnull": 401,
    "rfc4475/3.1.1.5-esc02": 501,  # the method is not REGISTER
    "rfc4475/3.1.1.6-lwsdisp": 200,
    "rfc4475/3.1.1.7-longreq": 200,
    "rfc4475/3.1.1.8-dblreq": 401,
    "rfc4475/3.1.1.9-semiuri": 200,
    "rfc4475/3.1.1.10-transports": 200,
    "rfc4475/3.1.1.11-mpart01": 405,
    "rfc4475/3.1.1.12-unreason": None,
    "rfc4475/3.1.1.13-noreason": None,
    "rfc4475/3.1.2.12-baddate": 200,  # Date may be ignored, and we do
    "rfc4475/3.2.1-badbranch": 200,
    "rfc4475/3.3.4-unksm2": 404,
    "rfc4475/3.3.5-bext01": 420,
    "rfc4475/3.3.6-invut": 415,
    "rfc4475/3.3.7-regaut01": 401,
    "rfc4475/3.3.10-bcast": None,
    "rfc4475/3.3.11-zeromf": 200,
    "rfc4475/3.3.12-cparam01": 401,
    "rfc4475/3.3.13-cparam02": 401,
    "rfc4475/3.3.14-regescrt": 401,
    "rfc4475/3.3.15-sdp01": 406,
    "rfc4475/3.4.1-inv2543": 200,
    "rfc5118/4.1-ipv6-good": 401,
    "rfc5118/4.3-port-ambiguous": 401,
    "rfc5118/4.4-port-unambiguous": 401,
    "rfc5118/4.5-via-received-param-with-delim": 481,
    "rfc5118/4.5-via-received-param-no-delim": 200,
    "rfc5118/4.6-ipv6-in-sdp": 488,  # G.726 alone is offered
    "rfc5118/4.7-mult-ip-in-header": 481,
    "rfc5118/4.8-mult-ip-in-sdp": 200,
    "rfc5118/4.9-ipv4-mapped-ipv6": 200,
    "rfc5118/4.10-ipv6-bug-abnf-3-colons": 200,
    "rfc5118/4.10-ipv6-correct-abnf-2-colons": 200,
}
INVALID: Final[dict[str, int | None]] = {
    "rfc4475/3.1.2.1-badinv01": 400,
    "rfc4475/3.1.2.2-clerr": 400,
    "rfc4475/3.1.2.3-ncl": 400,
    "rfc4475/3.1.2.4-scalar02": 400,
    "rfc4475/3.1.2.5-scalarlg": None,
    "rfc4475/3.1.2.6-quotbal": 400,
    "rfc4475/3.1.2.7-ltgtruri": 400,
    "rfc4475/3.1.2.8-lwsruri": 400,
    "rfc4475/3.1.2.9-lwsstart": 400,
    "rfc4475/3.1.2.10-trws": 400,
    "rfc4475/3.1.2.11-escruri": 400,
    "rfc4475/3.1.2.13-regbadct": 400,
    "rfc4475/3.1.2.14-badaspec": 400,
    "rfc4475/3.1.2.15-baddn": 400,
    "rfc4475/3.1.2.16-badvers": 505,
    "rfc4475/3.1.2.17-mismatch01": 400,
    "rfc4475/3.1.2.18-mismatch02": 400,
    "rfc4475/3.1.2.19-bigcode": None,
    "rfc4475/3.3.1-insuf": 400,
    "rfc4475/3.3.2-unkscm": 416,
    "rfc4475/3.3.3-novelsc": 416,
    "rfc4475/3.3.8-multi01": 400,
    "rfc4475/3.3.9-mcl01": 400,
    "rfc5118/4.2-ipv6-bad": 400,
}


def fixtures(kind: str) -> list[Path]:
    """The files of one directory."""
    return sorted((WIRE / kind).glob("*.sip"))


def torture(name: str) -> bytes:
    """A message of the torture RFCs by the key of the tables above."""
    return wire(WIRE / f"{name}.sip")


def wire(path: Path) -> bytes:
    """The bytes of a file as they go on the wire."""
    return path.read_bytes().replace(b"\n", b"\r\n")
