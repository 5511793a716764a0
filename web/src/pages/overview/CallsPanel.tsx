import { Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useWords, type Words } from "../../i18n/useWords";
import { useLive } from "../../live/context";
import type { Call } from "../../live/types";
import { StageWord } from "../../ui/StageWord";
import { EmptyNotice } from "../../ui/notices";
import { NOTHING } from "../../ui/format";
import { Timer } from "../../ui/Timer";

interface Row extends Call {
  readonly queueName: string | null;
  readonly agentName: string | null;
}

export function CallsPanel() {
  const { t } = useTranslation();
  const words = useWords();
  const calls = useLive((state) => state.view.rows.calls);
  const queues = useLive((state) => state.view.rows.queues);
  const agents = useLive((state) => state.view.rows.agents);
  const columns = useMemo(() => columnsOf(t, words), [t, words]);
  const rows = useMemo<Row[]>(
    () =>
      [...calls.values()].map((call) => ({
        ...call,
        queueName: call.queue === null ? null : (queues.get(call.queue)?.name ?? call.queue),
        agentName: call.agent === null ? null : (agents.get(call.agent)?.name ?? ""),
      })),
    [calls, queues, agents],
  );
  return (
    <section className="panel calls-panel" aria-labelledby="calls-title">
      <header className="panel-head">
        <h2 id="calls-title">{t("calls.title")}</h2>
        <span className="count">{rows.length}</span>
      </header>
      <div className="live-figure">
        <Table<Row>
          size="small"
          rowKey="id"
          columns={columns}
          dataSource={rows}
          pagination={false}
          virtual={rows.length > 60}
          scroll={rows.length > 60 ? { x: 560, y: 420 } : { x: "max-content" }}
          onRow={(row) => ({ "data-call": row.id }) as React.HTMLAttributes<HTMLElement>}
          locale={{ emptyText: <EmptyNotice title={t("calls.none")} hint={t("calls.noneHint")} /> }}
        />
      </div>
    </section>
  );
}

type Translate = ReturnType<typeof useTranslation>["t"];

function columnsOf(t: Translate, words: Words): TableColumnsType<Row> {
  return [
    {
      title: t("calls.caller"),
      key: "caller",
      rowScope: "row",
      render: (_value, row) => (
        <span className="two-lines">
          <span className="num">{row.caller === "" ? t("calls.withheld") : row.caller}</span>
          <span className="quiet">{row.caller_name}</span>
        </span>
      ),
    },
    {
      title: t("calls.stage"),
      key: "stage",
      render: (_value, row) => (
        <span className="two-lines">
          <StageWord stage={row.stage} />
          <Timer since={row.since} />
        </span>
      ),
    },
    {
      title: t("calls.where"),
      key: "where",
      render: (_value, row) => (
        <span className="two-lines">
          <span>{row.queueName ?? NOTHING}</span>
          <span className="quiet num">{row.agent === null ? "" : `${row.agent} ${row.agentName ?? ""}`}</span>
        </span>
      ),
    },
    {
      title: t("calls.dialled"),
      key: "dialled",
      render: (_value, row) => (
        <span className="two-lines num">
          <span>{row.dialled}</span>
          <span className="quiet">{words.time(row.started)}</span>
        </span>
      ),
    },
  ];
}
