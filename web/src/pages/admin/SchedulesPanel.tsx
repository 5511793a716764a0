import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Popconfirm, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useMe } from "../../api/context";
import { ApiError, unwrap } from "../../api/problem";
import { hasRole } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { useToasts } from "../../ui/toasts";
import { WideTable } from "../../ui/WideTable";
import { FORMAT_NAMES, timeOf, type Grouping, type Report } from "./reports";
import { ScheduleForm, useReportName } from "./ScheduleForm";

type Schedule = Schemas["ScheduleItem"];
type Put = Schemas["SchedulePut"];

const LIST = ["report-schedules"];

/** Reports that make themselves (R10.1.g): what came of the last ones, and for administrators to add, pause, remove. */
export function SchedulesPanel({ report, grouping }: { readonly report: Report; readonly grouping: Grouping }) {
  const { t } = useTranslation();
  const api = useApi();
  const may = hasRole(useMe(), "admin");
  const nameOf = useReportName();
  const [edited, setEdited] = useState<readonly [string, Put] | null>(null);
  const { put, remove } = useScheduleActions();
  const found = useQuery({ queryKey: LIST, queryFn: () => unwrap(api.GET("/api/v1/report-schedules")), refetchInterval: 30_000 });
  const columns = useColumns(may, put.mutate, remove.mutate, setEdited);
  if (found.error instanceof ApiError && found.error.status === 403) {
    return null; // who oversees teams has no part in what is the whole centre's
  }
  return (
    <section className="panel schedules">
      <header className="panel-head">
        <h2>{t("reports.schedules.title")}</h2>
        <span className="grow" />
        {may ? (
          <Button
            size="small"
            onClick={() => {
              setEdited([crypto.randomUUID(), { name: nameOf(report, grouping), report, group_by: grouping, period: "day", format: "xlsx", minute: 360, mail_to: [], paused: false }]);
            }}
          >
            {t("reports.schedules.add")}
          </Button>
        ) : null}
      </header>
      {found.error !== null && found.data === undefined ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data === undefined ? (
        <Loading rows={1} />
      ) : found.data.items.length === 0 ? (
        <EmptyNotice title={t("reports.schedules.none")} {...(may ? { hint: t("reports.schedules.noneHint") } : {})} />
      ) : (
        <WideTable<Schedule> size="small" rowKey="id" columns={columns} dataSource={found.data.items} pagination={false} />
      )}
      {edited === null ? null : (
        <ScheduleForm
          key={edited[0]}
          schedule={edited[1]}
          domains={found.data?.mail_domains ?? []}
          saving={put.isPending}
          onSave={(body) => {
            put.mutate([edited[0], body], {
              onSuccess: () => {
                setEdited(null);
              },
            });
          }}
          onClose={() => {
            setEdited(null);
          }}
        />
      )}
    </section>
  );
}

function useScheduleActions() {
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const queries = useQueryClient();
  const after = {
    onSettled: () => queries.invalidateQueries({ queryKey: LIST }),
    onError: (error: Error) => void toasts.error(words.problem(error)),
  };
  const put = useMutation({
    mutationFn: ([id, body]: readonly [string, Put]) =>
      unwrap(api.PUT("/api/v1/report-schedules/{schedule_id}", { params: { path: { schedule_id: id } }, body })),
    ...after,
  });
  const remove = useMutation({
    mutationFn: (id: string) => unwrap(api.DELETE("/api/v1/report-schedules/{schedule_id}", { params: { path: { schedule_id: id } } })),
    ...after,
  });
  return { put, remove };
}

function useColumns(
  may: boolean,
  put: (change: readonly [string, Put]) => void,
  remove: (id: string) => void,
  edit: (change: readonly [string, Put]) => void,
): TableColumnsType<Schedule> {
  const { t } = useTranslation();
  const words = useWords();
  const nameOf = useReportName();
  return useMemo(() => {
    const say = (key: "name" | "what" | "every" | "at" | "format" | "to" | "folder" | "next" | "last" | "paused" | "pause" | "resume" | "edit" | "remove" | "keep") =>
      t(`reports.schedules.${key}`);
    return [
      { title: say("name"), dataIndex: "name" },
      {
        title: say("what"),
        key: "what",
        render: (_one: unknown, { report, group_by }) => nameOf(report as Report, group_by as Grouping),
      },
      { title: say("every"), dataIndex: "period", render: (period: Schedule["period"]) => t(`reports.schedules.whole.${period}`) },
      { title: say("at"), dataIndex: "minute", className: "num", render: timeOf },
      { title: say("format"), dataIndex: "format", render: (format: Schedule["format"]) => FORMAT_NAMES[format] },
      { title: say("to"), dataIndex: "mail_to", render: (to: string[]) => (to.length === 0 ? say("folder") : to.join(", ")) },
      {
        title: say("next"),
        dataIndex: "next_at",
        className: "num",
        render: (at: string, { paused }) => (paused ? <span className="quiet">{say("paused")}</span> : words.dateTime(at)),
      },
      {
        title: say("last"),
        key: "last",
        render: (_one: unknown, row) => <Last row={row} />,
      },
      {
        title: <span className="sr-only">{t("trunks.actions")}</span>,
        key: "actions",
        render: (_one: unknown, row) =>
          may ? (
            <span className="row-actions">
              <Button size="small" onClick={() => { put([row.id, bodyOf({ ...row, paused: !row.paused })]); }}>
                {say(row.paused ? "resume" : "pause")}
              </Button>
              <Button size="small" onClick={() => { edit([row.id, bodyOf(row)]); }}>
                {say("edit")}
              </Button>
              <Popconfirm
                title={t("reports.schedules.sure", { name: row.name })}
                okText={say("remove")}
                cancelText={say("keep")}
                onConfirm={() => { remove(row.id); }}
              >
                <Button size="small" danger>
                  {say("remove")}
                </Button>
              </Popconfirm>
            </span>
          ) : (
            NOTHING
          ),
      },
    ];
  }, [t, words, nameOf, may, put, remove, edit]);
}

function Last({ row }: { readonly row: Schedule }) {
  const { t } = useTranslation();
  const words = useWords();
  if (row.tried_at === null) {
    return <span className="quiet">{t("reports.schedules.never")}</span>;
  }
  return (
    <>
      <span className={row.last_ok === false ? "bad" : "good"}>
        {row.last_ok === false ? t("reports.schedules.failed", { why: row.last_result }) : row.last_result || row.last_period}
      </span>
      <div className="quiet num">
        {row.last_period} · {words.dateTime(row.tried_at)}
      </div>
    </>
  );
}

/** What the server is told of a schedule. */
function bodyOf({ name, report, group_by, period, format, minute, mail_to, paused }: Schedule): Put {
  return { name, report, group_by, period, format, minute, mail_to, paused };
}
