"""Links from the pop into the operator's CRM: what an address may be, and what a caller cannot make of it."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.app.http import build_http
from ccplatform.configuration.changes import Changes
from ccplatform.configuration.routes import add_kind
from ccplatform.contracts.words import AgentId
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database
from cti.documents import DeskDocuments
from cti.linking.kind import kind
from cti.linking.links import Links, LinkTemplate, links_of
from cti.linking.templates import PLACEHOLDERS, check_template, filled
from cti.model import Customer
from tests.cti import story
from tests.cti.desk import Desk
from tests.support.database import database, postgres_dsn  # noqa: F401

CRM = "https://crm.example.com:8443/customers/{account}?from={caller}&who={name}#{call}"


@pytest.mark.parametrize(
    "url", [CRM, "http://crm.local/", "https://[2001:db8::1]/x", "https://crm.example.com/a%20b?q={queue}"]
)
def test_a_page_of_the_web_is_legal(url: str) -> None:
    check_template(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "1 to 2000"),
        ("https://x/" + "a" * 2000, "1 to 2000"),
        ("javascript:alert(1)", "begins with"),
        ("data:text/html,x", "begins with"),
        ("//crm.example.com/", "begins with"),
        ("crm.example.com/{caller}", "begins with"),
        ("https:///x", "host"),
        ("https://{caller}.example.com/", "host"),
        ("https://crm.example.com{caller}/", "host"),
        ("https://crm.example.com:{caller}/", "no address"),
        ("{caller}://crm.example.com/", "begins with"),
        ("https://user:secret@crm.example.com/", "no user"),
        ("https://crm.example.com\\@evil.example/", "ASCII"),
        ("https://crm.example.com/ x", "ASCII"),
        ("https://crm.example.com/\n", "ASCII"),
        ("https://crm.example.com/客", "ASCII"),
        ("https://crm.example.com/{password}", "no placeholder"),
        ("https://crm.example.com/{}", "no placeholder"),
        ("https://crm.example.com/{caller", "brace"),
        ("https://crm.example.com/caller}", "brace"),
        ("https://[::1/", "no address"),
    ],
)
def test_what_is_no_such_page_is_refused_with_its_reason(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_template(url)


@given(st.dictionaries(st.sampled_from(sorted(PLACEHOLDERS)), st.text(max_size=30)))
def test_whatever_a_caller_calls_himself_the_page_stays_where_it_is(values: dict[str, str]) -> None:
    page = urlsplit(filled(CRM, values))
    assert (page.scheme, page.netloc) == ("https", "crm.example.com:8443")
    _, customers, account = page.path.split("/")
    assert (customers, unquote(account).strip(".") == "" or unquote(account)) == (
        "customers",
        values.get("account", "").strip(".") == "" or values["account"],
    )
    assert page.query.count("&") == 1
    assert account not in (".", "..")


def test_a_link_about_the_account_is_one_of_each_customer_with_the_number() -> None:
    desk = Desk()
    desk.tell(*story.ringing(1))
    (call,) = desk.live.calls.values()
    templates = [
        LinkTemplate(name="CRM", url="https://crm.example/{account}?q={queue}", queues=("support",)),
        LinkTemplate(name="Search", url="https://crm.example/?n={caller}", queues=()),
        LinkTemplate(name="Sales", url="https://crm.example/", queues=("sales",)),
    ]
    customers = [Customer(account=account, phone=call.caller, name="x") for account in ("600001", "6/2")]
    links = links_of(call, templates, customers, AgentId("1004"))
    assert [(link.name, link.account, link.url) for link in links] == [
        ("CRM", "600001", "https://crm.example/600001?q=support"),
        ("CRM", "6/2", "https://crm.example/6%2F2?q=support"),
        ("Search", "", "https://crm.example/?n=13800000001"),
    ]


# --- as a kind of setting -----------------------------------------------------------------------------------


class Centre(Desk):
    def __init__(self, database: Database) -> None:  # noqa: F811
        super().__init__()
        self.documents = DeskDocuments("crm_link", database=database)

        async def knows(name: str) -> bool:
            return name in ("sales", "support")

        router = APIRouter()
        links = kind(documents=self.documents, knows_queue=knows)
        add_kind(
            router,
            links,
            access=self.access,
            changes=Changes(audit=Audit(database, clock=self.clock, ids=self.ids)),
        )
        self.app: FastAPI = build_http(
            routers=[router],
            root_routers=[],
            readiness=lambda: cast(Any, None),
            pages=None,
            max_body_bytes=100_000,
        )


@pytest.fixture
def centre(database: Database) -> Centre:  # noqa: F811
    return Centre(database)


async def test_an_administrator_says_where_desks_lead(centre: Centre) -> None:
    document = {"name": "CRM", "url": CRM, "queues": ["support"], "position": 2}
    async with centre.http("admin") as http:
        assert (await http.put("/configuration/crm-links/crm", json=document)).status_code == 200
        second = {"name": "Search", "url": "https://x.example/{caller}", "position": 1}
        assert (await http.put("/configuration/crm-links/search", json=second)).status_code == 200
        history = (await http.get("/configuration/crm-links/crm/history")).json()["items"]
    assert [change["after"]["url"] for change in history] == [CRM]
    assert [(link.name, link.queues) for link in await Links(centre.documents).templates()] == [
        ("Search", ()),
        ("CRM", ("support",)),
    ]
    assert await centre.documents.naming("support") == ["crm link crm"]
    async with centre.http("supervisor") as http:
        assert (await http.put("/configuration/crm-links/crm", json=document)).status_code == 403
    async with centre.http("admin") as http:
        assert (await http.delete("/configuration/crm-links/crm")).status_code == 200
    assert await centre.documents.naming("support") == []


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"name": "x", "url": "javascript:alert(1)"}, "body.url"),
        ({"name": "", "url": CRM}, "body.name"),
        ({"name": "x", "url": CRM, "queues": ["nowhere"]}, "queues"),
        ({"name": "x", "url": CRM, "colour": "red"}, "body.colour"),
    ],
)
async def test_what_leads_nowhere_is_refused_at_its_field(
    centre: Centre, document: dict[str, Any], where: str
) -> None:
    async with centre.http("admin") as http:
        answer = await http.put("/configuration/crm-links/x", json=document)
    assert answer.status_code in (409, 422)
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert await centre.documents.documents() == {}
