"""The demo bank: a table of accounts that the demo flow's balance query reads."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ccplatform.storage.database import Connection
from ivr.settings import QuerySettings

#: How many customers the demo centre has.
CUSTOMERS = 100

#: Entry points of the demo centre: (number, flow, only from a seat).
DEMO_ENTRY_POINTS = (
    ("95000", "main", False),
    ("95001", "support", False),
    ("95002", "echo", False),
    ("95003", "reference", False),
    ("95004", "lab", False),
    ("95005", "lab_recorded", False),
    ("95006", "bank", False),
    ("95007", "spoken", False),
    ("95008", "parrot", False),
    ("95009", "conference", False),
    ("*11", "agent_sign_in", True),
    ("*12", "agent_sign_out", True),
    ("*13", "agent_ready", True),
    ("*14", "agent_not_ready", True),
    ("*97", "messages", True),
)

_SURNAMES = "张王李刘陈杨赵黄周吴"
_SURNAMES_LATIN = ("Zhang", "Wang", "Li", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu")
_GIVEN = "伟芳娜敏静强磊洋艳杰"
_GIVEN_LATIN = ("Wei", "Fang", "Na", "Min", "Jing", "Qiang", "Lei", "Yang", "Yan", "Jie")

_TABLE = """
CREATE TABLE IF NOT EXISTS demo_customers (
    tenant text NOT NULL DEFAULT 'default',
    account text NOT NULL,
    phone text NOT NULL,
    name text NOT NULL,
    name_latin text NOT NULL,
    balance numeric(14, 2) NOT NULL,
    PRIMARY KEY (tenant, account)
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCustomer:
    """A row of the demo bank; ``balance`` in yuan."""

    account: str
    phone: str
    name: str
    name_latin: str
    balance: Decimal


def demo_queries(source: str) -> dict[str, QuerySettings]:
    """The queries of the demo flows, on the data source of this name."""
    sql = "SELECT name, name_latin, balance FROM demo_customers WHERE tenant = 'default' AND account = $1"
    return {"balance_by_account": QuerySettings(source=source, sql=sql, parameters=("account",))}


def customers() -> list[DemoCustomer]:
    """Accounts 600001… with phones 13800000001…; the first is 张伟 / Zhang Wei with 128.50 yuan."""
    return [_customer(index) for index in range(CUSTOMERS)]


async def seed_customers(connection: Connection) -> None:
    """Make and fill the demo bank's table; doing it again changes nothing."""
    await connection.execute(_TABLE)
    await connection.executemany(
        """
        INSERT INTO demo_customers (account, phone, name, name_latin, balance) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        [(row.account, row.phone, row.name, row.name_latin, row.balance) for row in customers()],
    )


def _customer(index: int) -> DemoCustomer:
    given, surname = divmod(index, 10)
    return DemoCustomer(
        account=str(600001 + index),
        phone=str(13800000001 + index),
        name=_SURNAMES[surname] + _GIVEN[given],
        name_latin=f"{_SURNAMES_LATIN[surname]} {_GIVEN_LATIN[given]}",
        balance=Decimal((12_850 + index * 7_919_311) % 10_000_000) / 100,
    )
