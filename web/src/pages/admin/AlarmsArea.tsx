import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Segmented, Tooltip, type TableColumnsType } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../../alarms/AlarmStrip";
import { useAcknowledge } from "../../alarms/useAcknowledge";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { Timer } from "../../ui/Timer";
import { usePageTitle } from "../../ui/usePageTitle";
import { PagedTable } from "./PagedTable";

type Alarm = Schemas["AlarmItem"];
type Show = "all" | "active" | "urgent";

export function AlarmsArea() {
  const { t } = useTranslation();
  const api = useApi();
  const [show, setShow] = useState<Show>("all");
  usePageTitle(t("admin.alarms"));
  const pages = useInfiniteQuery({
    queryKey: ["alarms", show],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/alarms", {
          params: {
            query: {
              limit: 100,
              ...(show === "active" ? { active: true } : {}),
              ...(show === "urgent" ? { severity: "urgent" as const } : {}),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  useRefetchOnChange(pages.refetch);
  const columns = useColumns();
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.alarms")}</h2>
        <span className="grow" />
        <Segmented<Show>
          size="small"
          value={show}
          onChange={setShow}
          options={(["all", "active", "urgent"] as const).map((value) => ({ value, label: t(`alarms.show.${value}`) }))}
        />
      </header>
      <PagedTable<Alarm> pages={pages} columns={columns} empty={t("alarms.none")} emptyHint={t("alarms.noneHint")} />
    </section>
  );
}

/** The event stream says when the list is out of date. */
function useRefetchOnChange(refetch: () => unknown): void {
  const standing = useAlarms();
  const first = useRef(standing);
  useEffect(() => {
    if (first.current !== standing) {
      first.current = standing;
      refetch();
    }
  }, [standing, refetch]);
}

function useColumns(): TableColumnsType<Alarm> {
  const { t } = useTranslation();
  const words = useWords();
  const { acknowledge, may } = useAcknowledge();
  return useMemo(
    () => [
      {
        title: t("alarms.severity"),
        dataIndex: "severity",
        render: (severity: Alarm["severity"], row) => (
          <b className={row.cleared_at !== null ? "quiet" : severity === "urgent" ? "bad" : "warn"}>
            {severity === "urgent" ? "▲" : "△"} {t(`severity.${severity}`)}
          </b>
        ),
      },
      {
        title: t("alarms.kind"),
        key: "kind",
        render: (_value, row) => [words.name("alarmKind", row.kind), row.subject].filter((word) => word !== "").join(" · "),
      },
      { title: t("alarms.text"), dataIndex: "text", className: "wide-text" },
      { title: t("alarms.raised"), dataIndex: "raised_at", className: "num", render: (at: string) => words.dateTime(at) },
      {
        title: t("alarms.lasted"),
        key: "lasted",
        align: "right",
        render: (_value, row) =>
          row.lasted_seconds === null ? (
            <span className="bad">
              {t("alarms.stillUp")} <Timer since={row.raised_at} />
            </span>
          ) : (
            <span className="num">{words.clock(row.lasted_seconds)}</span>
          ),
      },
      {
        title: t("alarms.acknowledged"),
        key: "acknowledged",
        render: (_value, row) =>
          row.acknowledged_by !== null ? (
            <Tooltip title={row.acknowledged_at === null ? undefined : words.dateTime(row.acknowledged_at)}>
              {row.acknowledged_by}
            </Tooltip>
          ) : row.cleared_at === null ? (
            <Button
              size="small"
              disabled={!may}
              title={may ? undefined : t("notice.noPermission")}
              loading={acknowledge.isPending && acknowledge.variables === row.id}
              onClick={() => {
                acknowledge.mutate(row.id);
              }}
            >
              {t("alarms.acknowledge")}
            </Button>
          ) : (
            NOTHING
          ),
      },
    ],
    [t, words, acknowledge, may],
  );
}
