import { Button, Tabs, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes, useNavigate, useSearchParams } from "react-router";
import { useApi, useMe } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { hasRole } from "../../../api/session";
import { usePages } from "../../../api/usePages";
import { useWords } from "../../../i18n/useWords";
import { useLive } from "../../../live/context";
import type { Schemas } from "../../../live/types";
import { NOTHING } from "../../../ui/format";
import { usePageTitle } from "../../../ui/usePageTitle";
import { PagedTable } from "../PagedTable";
import { filtersOf } from "./filters";
import { RecordingDays } from "./RecordingDays";
import { RecordingDrawer } from "./RecordingDrawer";
import { RecordingFilters } from "./RecordingFilters";
import { useDispositions } from "./useDispositions";

type Recording = Schemas["RecordingRow"];

/** All recordings whose sound is kept, and for those who keep them the proof of each day. */
export function RecordingsArea() {
  const { t } = useTranslation();
  const me = useMe();
  usePageTitle(t("recordings.area"));
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("recordings.area")}</h2>
      </header>
      {hasRole(me, "auditor", "admin") ? (
        <Tabs
          className="panel-tabs"
          items={[
            { key: "list", label: t("recordings.list"), children: <RecordingList /> },
            { key: "days", label: t("recordings.days"), children: <RecordingDays /> },
          ]}
        />
      ) : (
        <RecordingList />
      )}
    </section>
  );
}

function RecordingList() {
  const { t } = useTranslation();
  const api = useApi();
  const navigate = useNavigate();
  const [address, setAddress] = useSearchParams();
  const filters = filtersOf(address);
  const search = address.size === 0 ? "" : `?${address.toString()}`;
  const pages = usePages(["recordings", filters], (from) =>
    unwrap(api.GET("/api/v1/recordings", { params: { query: { ...filters, limit: 50, ...from } } })),
  );
  const columns = useColumns();
  return (
    <>
      <RecordingFilters
        filters={filters}
        onChange={(wanted) => {
          setAddress(wanted, { replace: true });
        }}
      />
      <PagedTable<Recording>
        pages={pages}
        columns={columns}
        empty={t("recordings.nothing")}
        emptyHint={t("recordings.nothingHint")}
        onOpen={(row) => void navigate(`/admin/recordings/${row.id}${search}`)}
      />
      <div className="more">
        <Button size="small" loading={pages.isFetching && !pages.isPending} onClick={() => void pages.refetch()}>
          {t("admin.refresh")}
        </Button>
      </div>
      <Routes>
        <Route path=":recording" element={<RecordingDrawer onClose={() => void navigate(`/admin/recordings${search}`)} />} />
      </Routes>
    </>
  );
}

function useColumns(): TableColumnsType<Recording> {
  const { t } = useTranslation();
  const words = useWords();
  const queues = useLive((state) => state.view.rows.queues);
  const agents = useLive((state) => state.view.rows.agents);
  const dispositions = useDispositions();
  return useMemo(
    () => [
      { title: t("contacts.started"), dataIndex: "started_at", className: "num", render: (at: string) => words.dateTime(at) },
      { title: t("calls.caller"), dataIndex: "caller", className: "num", render: (caller: string | null | undefined) => caller ?? NOTHING },
      {
        title: t("queues.queue"),
        dataIndex: "queue",
        render: (queue: string | null) => (queue === null ? NOTHING : (queues.get(queue)?.name ?? queue)),
      },
      {
        title: t("contacts.agent"),
        dataIndex: "agent",
        className: "num",
        render: (agent: string | null) => (agent === null ? NOTHING : `${agent} ${agents.get(agent)?.name ?? ""}`),
      },
      { title: t("agents.seat"), dataIndex: "seat", className: "num", render: (seat: string | null) => seat ?? NOTHING },
      {
        title: t("recordings.length"),
        dataIndex: "seconds",
        align: "right",
        className: "num",
        render: (seconds: number | null) => (seconds === null ? NOTHING : words.clock(seconds)),
      },
      {
        title: t("recordings.disposition"),
        dataIndex: "disposition",
        render: (id: string | null) => (id === null ? NOTHING : (dispositions.find((one) => one.id === id)?.name ?? id)),
      },
      {
        title: t("recordings.score"),
        dataIndex: "score",
        align: "right",
        className: "num",
        render: (score: number | null) => (score === null ? NOTHING : words.figure(score, 0)),
      },
      { title: t("recordings.why"), dataIndex: "mode", render: (mode: Recording["mode"]) => t(`recordingMode.${mode}`) },
      { title: t("recordings.state"), key: "state", render: (_one, row) => <State row={row} /> },
    ],
    [t, words, queues, agents, dispositions],
  );
}

function State({ row }: { readonly row: Recording }) {
  const { t } = useTranslation();
  const words = useWords();
  const parts = [
    row.ended_at === null ? <span key="writing">◆ {t("recordings.writing")}</span> : null,
    row.complete === false ? (
      <span key="cut" className="warn">
        ▲ {t("recordings.cut", { reason: row.reason })}
      </span>
    ) : null,
    row.gap_seconds > 0 ? (
      <span key="gap" className="warn">
        ▲ {t("recordings.gap", { seconds: words.figure(row.gap_seconds, 1) })}
      </span>
    ) : null,
    row.paused_seconds > 0 ? <span key="paused">{t("recordings.paused", { seconds: words.figure(row.paused_seconds, 1) })}</span> : null,
    row.held ? <b key="held">■ {t("recordings.held")}</b> : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? <>{NOTHING}</> : <span className="recording-state">{parts}</span>;
}
