import { useQuery } from "@tanstack/react-query";
import type { TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import type { Schemas } from "../../../live/types";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { WideTable } from "../../../ui/WideTable";

type Day = Schemas["RecordingDay"];

/** What was recorded, paused and missing on each day, and the root that proves it. */
export function RecordingDays() {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const days = useQuery({
    queryKey: ["recording days"],
    queryFn: () => unwrap(api.GET("/api/v1/recordings/days", { params: { query: { limit: 92 } } })),
  });
  if (days.error !== null) {
    return <Failure error={days.error} onRetry={() => void days.refetch()} />;
  }
  if (days.data === undefined) {
    return <Loading rows={6} />;
  }
  const items = days.data.items;
  if (items.length === 0) {
    return <EmptyNotice title={t("recordings.noDays")} hint={t("recordings.noDaysHint")} />;
  }
  const figure = { align: "right", className: "num" } as const;
  const seconds = (value: number) => (value > 0 ? <span className="warn">▲ {words.figure(value, 1)}</span> : "0");
  const columns: TableColumnsType<Day> = [
    { title: t("recordings.day"), dataIndex: "day", className: "num" },
    { title: t("recordings.count"), dataIndex: "recordings", ...figure },
    { title: t("recordings.incomplete"), dataIndex: "incomplete", ...figure, render: (count: number) => (count > 0 ? <span className="warn">▲ {count}</span> : 0) },
    { title: t("recordings.recorded"), dataIndex: "seconds", ...figure, render: (value: number) => words.clock(value) },
    { title: t("recordings.pausedSeconds"), dataIndex: "paused_seconds", ...figure, render: (value: number) => words.figure(value, 1) },
    { title: t("recordings.missing"), dataIndex: "missing_seconds", ...figure, render: seconds },
    { title: t("recordings.gaps"), dataIndex: "gap_seconds", ...figure, render: seconds },
    { title: t("recordings.root"), dataIndex: "root", render: (root: string) => <code className="root">{root}</code> },
  ];
  return <WideTable<Day> size="small" rowKey="day" columns={columns} dataSource={items} pagination={false} />;
}
