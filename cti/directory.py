"""The demo centre's customers: 100 cards, the same on every machine."""

from __future__ import annotations

from cti.model import Customer
from cti.store import CustomerStore

#: How many customers the demo centre has.
DEMO_CUSTOMERS = 100

_SURNAMES = (
    ("张", "Zhang"),
    ("王", "Wang"),
    ("李", "Li"),
    ("刘", "Liu"),
    ("陈", "Chen"),
    ("杨", "Yang"),
    ("赵", "Zhao"),
    ("黄", "Huang"),
    ("周", "Zhou"),
    ("吴", "Wu"),
)
_GIVEN = (
    ("伟", "Wei"),
    ("芳", "Fang"),
    ("娜", "Na"),
    ("敏", "Min"),
    ("静", "Jing"),
    ("强", "Qiang"),
    ("磊", "Lei"),
    ("洋", "Yang"),
    ("艳", "Yan"),
    ("杰", "Jie"),
)
_LEVELS = ("gold", "silver", "standard", "standard")
_CITIES = ("杭州", "上海", "北京", "广州", "成都")


def demo_customers() -> list[Customer]:
    """Accounts 600001… with phones 13800000001…; the first is 张伟 / Zhang Wei."""
    return [_demo_customer(index) for index in range(DEMO_CUSTOMERS)]


async def seed_demo_customers(store: CustomerStore) -> None:
    """Put the demo customers into the directory; doing it again changes nothing, nor what agents corrected."""
    await store.add_customers(demo_customers())


def _demo_customer(index: int) -> Customer:
    surname, surname_latin = _SURNAMES[index % len(_SURNAMES)]
    given, given_latin = _GIVEN[index // len(_SURNAMES)]
    return Customer(
        account=str(600001 + index),
        phone=str(13800000001 + index),
        name=surname + given,
        name_latin=f"{surname_latin} {given_latin}",
        level=_LEVELS[index % len(_LEVELS)],
        city=_CITIES[index % len(_CITIES)],
    )
