"""The SQL of the report of surveys: who was asked, who answered what (R9.6), out of the journal.

A survey belongs to the queue and the agent of the last talk before it, and to the period in which it was begun or
answered; one without a talk before it has neither. ``asked`` are contacts that came to the survey, ``answered``
those that answered the question, each counted once with the last answer given.
"""

from __future__ import annotations

from typing import Final

from metrics.reports import Grouping, ReportRow

_KEYS: Final = {
    Grouping.QUEUE: "coalesce(t.queue, '')",
    Grouping.AGENT: "coalesce(t.agent, '')",
    Grouping.HOUR: "to_char(date_trunc('hour', j.at AT TIME ZONE zone.name), 'YYYY-MM-DD\"T\"HH24:MI')",
    Grouping.DAY: "to_char(date_trunc('day', j.at AT TIME ZONE zone.name), 'YYYY-MM-DD')",
}

_SUMS: Final = """
    WITH told AS (
      SELECT {key} AS key, j.contact, j.type, j.data->>'survey' AS survey, j.data->>'question' AS question,
        (j.data->>'score')::int AS score, (j.data->>'scale')::int AS scale, j.at, j.seq
      FROM journal j CROSS JOIN (SELECT $4::text AS name) zone
      LEFT JOIN LATERAL (
        SELECT o.data->>'queue' AS queue, o.data->>'agent' AS agent FROM journal o
        WHERE o.tenant = j.tenant AND o.contact = j.contact AND o.type = 'TalkEnded' AND o.at <= j.at
          AND o.at >= $2::timestamptz - interval '1 day'
        ORDER BY o.at DESC, o.seq DESC LIMIT 1) t ON true
      WHERE j.tenant = $1 AND j.at >= $2 AND j.at < $3 AND j.type IN ('SurveyBegun', 'SurveyAnswered')
        AND ($5::text[] IS NULL OR t.agent = ANY($5))
    ), asked AS (
      SELECT key, survey, count(DISTINCT contact) AS asked FROM told WHERE type = 'SurveyBegun' GROUP BY 1, 2
    ), last AS (
      SELECT DISTINCT ON (key, survey, question, contact) key, survey, question, scale, score
      FROM told WHERE type = 'SurveyAnswered'
      ORDER BY key, survey, question, contact, at DESC, seq DESC
    ), answers AS (
      SELECT key, survey, question, max(scale) AS scale, count(*) AS answered, avg(score)::float8 AS mean,
        min(score) AS lowest, max(score) AS highest
      FROM last GROUP BY 1, 2, 3
    )
    SELECT key, survey, coalesce(n.question, '') AS question, n.scale, coalesce(a.asked, 0) AS asked,
      coalesce(n.answered, 0) AS answered, n.mean, n.lowest, n.highest
    FROM asked a FULL JOIN answers n USING (key, survey)
    ORDER BY key, survey, question
"""


def survey_sums(grouping: Grouping) -> str:
    """The statement: tenant, begin, end, the name of the time zone, and the agents (NULL: all) are its
    parameters."""
    return _SUMS.format(key=_KEYS[grouping])


def survey_row(grouping: Grouping, sums: ReportRow) -> ReportRow:
    """A row of the report; of a survey that nobody answered the question is ''."""
    key, asked, answered = sums.pop("key"), sums["asked"], sums["answered"]
    return {grouping.value: key, **sums, "share_answered": min(1.0, answered / asked) if asked else None}
