"""A call that goes out by a trunk: its number as the trunk writes it, and who is said to call. Pure."""

from __future__ import annotations

from typing import Final

from gateway.sip.digest_client import DigestClient
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest
from gateway.sip.number_rules import rewrite
from gateway.sip.syntax import quote
from gateway.sip.trunk import Asserted, Trunk
from gateway.sip.uac import OutgoingCall
from gateway.sip.uri import escape_user, host_text

#: What callers are who want to stay unknown, as others say it of them (RFC 3323 section 4.1).
WITHHELD: Final = frozenset({"anonymous", "Anonymous", "unknown", "restricted"})


def trunk_call(
    trunk: Trunk,
    number: str,
    flow: Flow,
    *,
    caller: str,
    caller_name: str,
    host: str,
    call_id: str,
    local_tag: str,
    client: DigestClient | None = None,
    route: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    emergency: bool = False,
) -> OutgoingCall:
    """The INVITE to ``number``; ``host`` is our address, ``route`` the way that a registrar asked for (RFC 3608).

    Who wants to stay unknown is anonymous in From and asserted by the trunk's number alone (RFC 3325 section 9.3).
    """
    shown, withheld, true = _shown(trunk, number, caller, emergency)
    domain = host_text(trunk.domain or host)
    name = f"{quote(caller_name)} " if caller_name and true else ""
    if withheld:
        from_party = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    else:
        from_party = f"{name}<sip:{escape_user(shown)}@{domain}>" if shown else f"{name}<sip:{domain}>"
    called = _called_party(trunk, number, flow.address())
    transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
    identity = _identity(trunk, shown, "" if withheld else name, domain, withheld=withheld)
    return OutgoingCall(
        uri=f"{called}{transport}",
        from_party=from_party,
        to_party=f"<{called}>",
        call_id=call_id,
        local_tag=local_tag,
        flow=flow,
        pinned=False,
        digest=client,
        headers=(*headers, *identity),
        routes=route,
    )


def party_of_carrier(trunk: Trunk, number: str, flow: Flow) -> str:
    """The URI of a number that the trunk's carrier is to call, whose call came or went over a flow: at its server,
    since the port of a flow may be that of a connection."""
    port = f":{trunk.port}" if trunk.port else ""
    return _called_party(trunk, number, f"{host_text(trunk.host)}{port}" if trunk.host else host_text(flow.host))


def _called_party(trunk: Trunk, number: str, where: str) -> str:
    where = host_text(trunk.domain) if trunk.domain else where
    return f"sip:{escape_user(rewrite(trunk.numbers_out, number))}@{where}"


def dialled_by(request: SipRequest, trunk: Trunk) -> str:
    """The number that a call which came in by a trunk wants, as the centre writes it.

    A provider that we are registered with calls our Contact, whose user is the account: then To has the number.
    """
    number = request.uri.name
    if trunk.registration is not None and trunk.credentials is not None and number == trunk.credentials.user:
        number = request.to.uri.name or number
    return rewrite(trunk.numbers_in, number)


def _shown(trunk: Trunk, number: str, caller: str, emergency: bool) -> tuple[str, bool, bool]:
    """The number that says who calls, whether he stays unknown, and whether it is his own.

    Nobody is hidden from those who help, but at his own wish.
    """
    if caller in WITHHELD:
        return trunk.caller.number, True, False
    for rule in trunk.callers_out:
        if rule.fits(number, caller) and not (emergency and rule.hidden):
            own = not (rule.hidden or rule.number)
            return rule.apply(caller) or trunk.caller.number, rule.hidden, own
    own = bool(caller) and not trunk.caller.only_own
    return caller if own else trunk.caller.number, False, not trunk.caller.only_own


def _identity(trunk: Trunk, number: str, name: str, domain: str, *, withheld: bool) -> tuple[tuple[str, str], ...]:
    said: list[tuple[str, str]] = []
    if number and trunk.caller.asserted is not Asserted.NONE:
        said.append((trunk.caller.asserted.value, f"{name}<sip:{escape_user(number)}@{domain}>"))
    if withheld:
        said.append(("Privacy", "id"))
    return tuple(said)
