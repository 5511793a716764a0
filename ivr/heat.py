"""Where callers went in a flow, and where they left it: counted from the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ccplatform.contracts.words import DEFAULT_TENANT, FlowOutcome, TenantId
from ccplatform.storage.database import Database

_FACTS: Final = ["FlowEntered", "FlowNodeEntered", "FlowLeft"]

#: Every step of a session with the one after it; sessions of a contact are told apart by their beginnings.
_STEPS: Final = """
WITH told AS (
    SELECT contact, type, at, epoch, seq, data->>'flow' AS flow, data->>'node' AS node,
           data->>'revision' AS revision, data->>'outcome' AS outcome
    FROM journal WHERE tenant = $1 AND type = ANY($2) AND at >= $3 AND at < $4
), steps AS (
    SELECT *, count(*) FILTER (WHERE type = 'FlowEntered') OVER w AS session,
           lead(type) OVER w AS next_type, lead(flow) OVER w AS next_flow,
           lead(node) OVER w AS next_node, lead(outcome) OVER w AS next_outcome
    FROM told WINDOW w AS (PARTITION BY contact ORDER BY at, epoch, seq)
), wanted AS (
    SELECT contact, session FROM steps WHERE type = 'FlowEntered' AND flow = $5 AND revision = $6
)
"""
_NODES: Final = f"""{_STEPS}
SELECT node, next_type, next_flow, next_node, next_outcome, count(*) AS times
FROM steps
WHERE type = 'FlowNodeEntered' AND flow = $5
  AND ($6::text IS NULL OR (contact, session) IN (SELECT contact, session FROM wanted))
GROUP BY 1, 2, 3, 4, 5
"""
_SESSIONS: Final = """
SELECT count(*) FROM journal
WHERE tenant = $1 AND type = 'FlowEntered' AND at >= $2 AND at < $3
  AND data->>'flow' = $4 AND ($5::text IS NULL OR data->>'revision' = $5)
"""


@dataclass(slots=True, kw_only=True)
class NodeHeat:
    """What callers did at a node: ``came`` counts visits; they went on (``exits``: to where, and how often), hung
    up, were failed by a system cause, or the session ended there in good order (``ended``: hung up on by the flow,
    handed to a queue or a trunk)."""

    node: str
    came: int = 0
    hung_up: int = 0
    failed: int = 0
    ended: int = 0
    exits: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Sessions that began in the flow, and its nodes, those most visited first."""

    sessions: int
    nodes: tuple[NodeHeat, ...]


class HeatStore:
    """SQL on one tenant's journal; raises DatabaseUnavailable while it is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def heat(self, flow: str, revision: str | None, start: datetime, end: datetime) -> Heat:
        """What happened in a flow between two instants; of one version, or with None of all.

        As a part of others a flow is counted without a revision only: the journal knows that of the whole.
        """
        async with self._database.connection() as connection:
            sessions = await connection.fetchval(_SESSIONS, self._tenant, start, end, flow, revision)
            rows = await connection.fetch(_NODES, self._tenant, _FACTS, start, end, flow, revision)
        nodes: dict[str, NodeHeat] = {}
        for row in rows:
            node = nodes.setdefault(row["node"], NodeHeat(node=row["node"], exits={}))
            to = row["next_node"] if row["next_flow"] == flow else f"{row['next_flow']}/{row['next_node']}"
            _count(node, row["next_type"], to, row["next_outcome"], row["times"])
        most_visited = sorted(nodes.values(), key=lambda node: (-node.came, node.node))
        return Heat(sessions=sessions, nodes=tuple(most_visited))


def _count(node: NodeHeat, kind: str | None, to: str, outcome: str, times: int) -> None:
    node.came += times
    match kind, outcome:
        case "FlowNodeEntered", _:
            node.exits[to] = node.exits.get(to, 0) + times
        case "FlowLeft", FlowOutcome.ABANDONED.value:
            node.hung_up += times
        case "FlowLeft", FlowOutcome.FAILED.value:
            node.failed += times
        case "FlowLeft", _:
            node.ended += times
        case _:
            pass  # he is still there
