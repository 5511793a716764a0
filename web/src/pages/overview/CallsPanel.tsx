import type { ParseKeys } from "i18next";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { useMe } from "../../api/context";
import { hasRole, seesAgent, type Me } from "../../api/session";
import { useWords, type Words } from "../../i18n/useWords";
import { useLive } from "../../live/context";
import type { Agent, Call } from "../../live/types";
import { CallActions } from "../../supervision/CallActions";
import { DrillLink } from "../../ui/DrillLink";
import { storyAddress } from "../../ui/drill";
import { NOTHING } from "../../ui/format";
import { LiveTable, type Column } from "../../ui/LiveTable";
import { EmptyNotice } from "../../ui/notices";
import { StageWord } from "../../ui/StageWord";
import { Timer } from "../../ui/Timer";

interface Row extends Call {
  readonly queueName: string | null;
  readonly agentName: string | null;
}

/** Of a key, its text: all that `t` may give is more than the compiler works out for a whole list of titles. */
type Translate = (key: ParseKeys, values?: Readonly<Record<string, string>>) => string;

export function CallsPanel() {
  const t = useTranslation().t as unknown as Translate;
  const words = useWords();
  const calls = useLive((state) => state.view.rows.calls);
  const queues = useLive((state) => state.view.rows.queues);
  const agents = useLive((state) => state.view.rows.agents);
  const me = useMe();
  const [only] = useSearchParams();
  const [queue, stage] = [only.get("queue"), only.get("stage")];
  const columns = useMemo(() => columnsOf(t, words, hasRole(me, "supervisor")), [t, words, me]);
  const rows = useMemo<Row[]>(
    () =>
      [...calls.values()]
        .filter((call) => seesCall(me, call, agents) && (queue === null || call.queue === queue) && (stage === null || call.stage === stage))
        .map((call) => ({
          ...call,
          queueName: call.queue === null ? null : (queues.get(call.queue)?.name ?? call.queue),
          agentName: call.agent === null ? null : (agents.get(call.agent)?.name ?? ""),
        })),
    [calls, queues, agents, me, queue, stage],
  );
  return (
    <section className="panel calls-panel" aria-labelledby="calls-title">
      <header className="panel-head">
        <h2 id="calls-title">{t("calls.title")}</h2>
        <span className="count">{rows.length}</span>
        {queue === null ? null : (
          <Link to="/" className="only">
            {t("calls.onlyWaiting", { queue: queues.get(queue)?.name ?? queue })} ✕<span className="sr-only"> {t("calls.showAll")}</span>
          </Link>
        )}
      </header>
      <div className="live-figure">
        <LiveTable<Row>
          label={t("calls.title")}
          mark="data-call"
          columns={columns}
          rows={rows}
          rowHeight={54}
          empty={<EmptyNotice title={t("calls.none")} hint={t("calls.noneHint")} />}
        />
      </div>
    </section>
  );
}

/** A call of nobody is everybody's; else one of its agents is to be among those whom he sees. */
function seesCall(me: Me, call: Call, agents: ReadonlyMap<string, Agent>): boolean {
  const on = [call.agent, ...(call.parties ?? []).map((party) => party.agent)].filter((id) => id !== null);
  return on.length === 0 || on.some((id) => seesAgent(me, agents.get(id) ?? { id, team: "" }));
}

function columnsOf(t: Translate, words: Words, mayAct: boolean): Column<Row>[] {
  return [
    {
      key: "caller",
      title: t("calls.callerDialled"),
      heads: true,
      cell: (row) => (
        <TwoLines
          first={
            <DrillLink to={storyAddress(row.contact)} title={t("drill.story")}>
              {[row.caller === "" ? t("calls.withheld") : row.caller, row.caller_name].join(" ").trim()}
            </DrillLink>
          }
          second={`→ ${row.dialled} · ${words.shortTime(row.started)}`}
        />
      ),
    },
    {
      key: "stage",
      title: t("calls.stage"),
      cell: (row) => <TwoLines first={<StageWord stage={row.stage} />} second={<Timer since={row.since} />} />,
    },
    {
      key: "where",
      title: t("calls.where"),
      cell: (row) => (
        <TwoLines
          first={row.queueName ?? NOTHING}
          second={row.agent === null ? "" : `${row.agent} ${row.agentName ?? ""}`}
        />
      ),
    },
    ...(mayAct
      ? [
          {
            key: "actions",
            title: <span className="sr-only">{t("agents.actions")}</span>,
            className: "action-cell",
            cell: (row: Row) => <CallActions call={row} />,
          },
        ]
      : []),
  ];
}

function TwoLines({ first, second }: { readonly first: React.ReactNode; readonly second: React.ReactNode }) {
  return (
    <span className="two-lines num">
      <span>{first}</span>
      <span className="quiet">{second}</span>
    </span>
  );
}
