"""What a started node tells: one ``ready`` line, and for people at a terminal where everything is."""

from __future__ import annotations

import structlog

from ccplatform.app.settings import Settings
from gateway.isdn.pri_link import libpri_installed
from gateway.sip.uri import host_text

_log = structlog.get_logger("supervisor")

_NUMBERS = (
    ("95000", "main menu: 1 sales, 2 support, 3 account balance, 8 call-back, 9 repeat, 0 operator"),
    ("95001", "the support queue at once"),
    ("95002", "echo"),
    ("95003", "reference tone and speech"),
    ("95004 · 95005", "bridged to the trunk lab (127.0.0.1:5081), the second one recorded"),
    ("95006", "a whole telephone bank, 1 in Mandarin, 2 in English"),
    ("95007", "say a digit, or press it: speech recognition"),
    ("95009", "conference room, PIN 1234"),
    ("*11 *12 *13 *14", "from a seat: sign in, out, ready, not ready"),
    ("*97", "from a seat: new messages"),
)
_E1 = ("e1-1", "E1 span with a simulated switch: ccplatform e1 dial 95000 --press 3")
_NO_E1 = ("e1-1", "E1 is not available: install libpri1.4")
_LOGINS = (
    ("agents", "1001 … 1010", "demo-1001 … (PIN 1001 …)"),
    ("seats (SIP)", "8001 … 8010", "demo-8001 …"),
    ("supervisor", "sup1", "demo-sup1"),
    ("administrator", "admin", "demo-admin"),
)


def tell_ready(settings: Settings, *, demo: bool, seconds: float) -> None:
    """Log ``ready`` with the addresses; in the demo also numbers and log-ins."""
    scheme = "https" if settings.http.tls_cert else "http"
    url = f"{scheme}://{host_text(str(settings.http.bind_ip))}:{settings.http.port}"
    sip = " ".join(f"{host_text(bound)}:{settings.sip.port}" for bound in settings.sip.bound)
    media = settings.media
    rtp = [f"{host_text(bound)}:{media.rtp_ports}" for bound in (media.bind_ip, media.bind_ip6) if bound]
    _log.info(
        "ready",
        pages=f"{url}/",
        rest=f"{url}/api/v1",
        metrics=f"{url}/metrics",
        sip=sip,
        rtp=" ".join(rtp),
        seconds=round(seconds, 2),
    )
    if demo and settings.log.format == "text":
        _show_demo(url, sip, e1=bool(settings.isdn.spans))


def _show_demo(url: str, sip: str, *, e1: bool) -> None:
    rows = [
        ("pages", f"{url}/  {url}/wallboard  {url}/docs  {url}/metrics"),
        ("SIP", f"{sip} (UDP, TCP)"),
        *((f"dial {number}", answer) for number, answer in _NUMBERS),
        *((_E1 if libpri_installed() else _NO_E1,) if e1 else ()),
        *((who, f"{names}   password {passwords}") for who, names, passwords in _LOGINS),
    ]
    width = max(len(name) for name, _ in rows)
    print("ccplatform demo centre", *(f"  {name:{width}}  {text}" for name, text in rows), sep="\n", flush=True)
