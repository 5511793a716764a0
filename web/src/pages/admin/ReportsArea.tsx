import { useQuery } from "@tanstack/react-query";
import { Button, Segmented, Select, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { components } from "../../api/generated";
import { useServices } from "../../api/context";
import { useWords } from "../../i18n/useWords";
import { NOTHING } from "../../ui/format";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { useToasts } from "../../ui/toasts";
import { usePageTitle } from "../../ui/usePageTitle";
import { WideTable } from "../../ui/WideTable";
import { download } from "./flows/useFlows";
import { bounds, CHARTED, fits, FORMATS, GROUPINGS, PERIODS, REPORTS, type Grouping, type Period, type Report } from "./reports";
import { SchedulesPanel } from "./SchedulesPanel";
import { compare } from "./settings/kind";
import { answerOf } from "./settings/useSettings";

type Found = components["schemas"]["ReportList"];
type Column = components["schemas"]["ReportColumn"];
type Row = Readonly<Record<string, string | number | null>>;

/** Bars that can be told apart. */
const MOST_BARS = 120;
const HEIGHT = 80;

/** Traffic and agents by number, seat, queue or time (R10.1.g), as a table, a chart and files. */
export function ReportsArea() {
  const { t } = useTranslation();
  const words = useWords();
  const toasts = useToasts();
  const { session } = useServices();
  const [report, setReport] = useState<Report>("queues");
  const [grouping, setGrouping] = useState<Grouping>("queue");
  const [chosen, setPeriod] = useState<Period>("today");
  usePageTitle(t("reports.title"));
  const periods = PERIODS.filter((one) => fits(report, grouping, one));
  const period = periods.includes(chosen) ? chosen : "days30";
  const ask = (format: string) => answerOf(session, `reports/${report}?${queryOf(grouping, period, format)}`);
  const found = useQuery({
    queryKey: ["reports", report, grouping, period],
    queryFn: async () => (await (await ask("json")).json()) as Found,
    staleTime: 0,
  });
  return (
    <>
      <section className="panel">
        <header className="panel-head reports-head">
          <h2>{t("reports.title")}</h2>
          <Segmented<Report>
            size="small"
            aria-label={t("reports.report")}
            value={report}
            onChange={(next) => {
              setReport(next);
              setGrouping(GROUPINGS[next][0]);
            }}
            options={REPORTS.map((value) => ({ value, label: t(`reports.kinds.${value}`) }))}
          />
          <span className="grow" />
          <Select<Grouping>
            size="small"
            aria-label={t("reports.by")}
            value={grouping}
            onChange={setGrouping}
            popupMatchSelectWidth={false}
            options={GROUPINGS[report].map((value) => ({ value, label: t(`reports.grouping.${value}`) }))}
          />
          <Select<Period>
            size="small"
            aria-label={t("reports.period")}
            value={period}
            onChange={setPeriod}
            popupMatchSelectWidth={false}
            options={periods.map((value) => ({ value, label: t(`reports.periods.${value}`) }))}
          />
          {FORMATS.map((format) => (
            <Button
              key={format}
              size="small"
              onClick={() => {
                ask(format)
                  .then((answer) => answer.blob())
                  .then(
                    (file) => {
                      download(file, `${report}.${format}`);
                    },
                    (error: unknown) => void toasts.error(words.problem(error)),
                  );
              }}
            >
              {t(`reports.${format}`)}
            </Button>
          ))}
        </header>
        {found.error !== null && found.data === undefined ? (
          <Failure error={found.error} onRetry={() => void found.refetch()} />
        ) : found.data === undefined ? (
          <Loading rows={4} />
        ) : found.data.items.length === 0 ? (
          <EmptyNotice title={t("reports.none")} hint={t("reports.noneHint")} />
        ) : (
          <>
            <Bars found={found.data} charted={CHARTED[report]} />
            <Figures found={found.data} />
          </>
        )}
      </section>
      <SchedulesPanel report={report} grouping={grouping} />
    </>
  );
}

/** One bar a row; what it shows is in the table below, too. */
function Bars({ found, charted }: { readonly found: Found; readonly charted: string }) {
  const { t } = useTranslation();
  const words = useWords();
  const rows = found.items as readonly Row[];
  const column = found.columns.find(({ name }) => name === charted);
  if (column === undefined || rows.length > MOST_BARS) {
    return null;
  }
  const values = rows.map((row) => Number(row[charted] ?? 0));
  const most = Math.max(...values, 1);
  const label = t("reports.chart", {
    column: titleOf(column, words.language),
    group: t(`reports.grouping.${found.group_by as Grouping}`),
    low: words.figure(Math.min(...values), 0),
    high: words.figure(Math.max(...values), 0),
  });
  return (
    <svg className="report-bars" role="img" aria-label={label} viewBox={`0 0 ${String(rows.length * 10)} ${String(HEIGHT)}`} preserveAspectRatio="none">
      {values.map((value, place) => {
        const height = (value / most) * HEIGHT;
        return (
          <rect key={place} x={place * 10 + 1} y={HEIGHT - height} width={8} height={height}>
            <title>{`${String(rows[place]?.[found.group_by] ?? "")}: ${words.figure(value, 0)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

function Figures({ found }: { readonly found: Found }) {
  const { t } = useTranslation();
  const words = useWords();
  const columns = useMemo<TableColumnsType<Row>>(() => {
    const shown = (column: Column, value: string | number | null): string => {
      if (column.unit === "group") {
        return String(value ?? "") || t("reports.without");
      }
      if (value === null || typeof value === "string") {
        return value ?? NOTHING;
      }
      return column.unit === "ratio" ? words.percent(value, 1) : words.figure(value, column.unit === "seconds" ? 1 : 0);
    };
    return found.columns.map((column) => ({
      title: titleOf(column, words.language) + (column.unit === "seconds" ? " (s)" : ""),
      key: column.name,
      ...(column.unit === "group" ? { fixed: "left" as const } : column.unit === "text" ? {} : { align: "right" as const, className: "num" }),
      render: (_one: unknown, row: Row) => shown(column, row[column.name] ?? null),
      // Also what the keyboard finds in a table that is wider than the page.
      sorter: (one: Row, other: Row) => compare(one[column.name], other[column.name]),
    }));
  }, [t, words, found.columns]);
  return (
    <WideTable<Row>
      size="small"
      rowKey={(row) => String(row[found.group_by])}
      columns={columns}
      dataSource={found.items as Row[]}
      pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
    />
  );
}

function titleOf(column: Column, language: string): string {
  return language === "zh" ? column.title_zh : column.title;
}

function queryOf(grouping: Grouping, period: Period, format: string): string {
  const [from, to] = bounds(period, new Date());
  return new URLSearchParams({ group_by: grouping, from: from.toISOString(), to: to.toISOString(), format }).toString();
}
