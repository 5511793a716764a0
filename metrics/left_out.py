"""What reports leave out: contacts of the mystery caller (R10.3.2), as SQL over the journal."""

from __future__ import annotations

from typing import Final

#: Ids of such contacts that may have facts from ``{begin}`` to before ``{end}``; $1 is the tenant.
TEST_CONTACTS: Final = """
    SELECT test.contact FROM journal test
    WHERE test.tenant = $1 AND test.type = 'ContactArrived' AND test.data->>'mystery' = 'true'
      AND test.at >= {begin}::timestamptz - interval '1 day' AND test.at < {end} AND test.contact IS NOT NULL
"""
#: Whether a fact ``j`` is of none of them.
REAL: Final = f"(j.contact IS NULL OR j.contact NOT IN ({TEST_CONTACTS}))"
#: The same ids for the period $2 to $3.
OF_PERIOD: Final = TEST_CONTACTS.format(begin="$2", end="$3")
