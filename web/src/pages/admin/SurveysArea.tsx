import { useQuery } from "@tanstack/react-query";
import { Button, Segmented, Table, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useServices } from "../../api/context";
import { useWords } from "../../i18n/useWords";
import { NOTHING } from "../../ui/format";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { useToasts } from "../../ui/toasts";
import { usePageTitle } from "../../ui/usePageTitle";
import { download } from "./flows/useFlows";
import { answerOf } from "./settings/useSettings";

const GROUPINGS = ["queue", "agent", "day", "hour"] as const;
const PERIODS = [1, 7, 30] as const;
type Grouping = (typeof GROUPINGS)[number];
type Period = (typeof PERIODS)[number];

/** One question of a survey, of one queue, agent, day or hour; of a survey that nobody answered it is ''. */
interface Row extends Partial<Record<Grouping, string>> {
  readonly survey: string;
  readonly question: string;
  readonly scale: number | null;
  readonly asked: number;
  readonly answered: number;
  readonly share_answered: number | null;
  readonly mean: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
}

/** What callers answered when they were asked after their talks (R9.6). */
export function SurveysArea() {
  const { t } = useTranslation();
  const words = useWords();
  const toasts = useToasts();
  const { session } = useServices();
  const [grouping, setGrouping] = useState<Grouping>("queue");
  const [days, setDays] = useState<Period>(7);
  usePageTitle(t("surveys.title"));
  const ask = (format: "json" | "csv") => answerOf(session, `reports/surveys?${queryOf(grouping, days, format)}`);
  const report = useQuery({
    queryKey: ["surveys", grouping, days],
    queryFn: async () => ((await (await ask("json")).json()) as { readonly items: readonly Row[] }).items,
    staleTime: 0,
  });
  const columns = useColumns(grouping);
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("surveys.title")}</h2>
        <span className="grow" />
        <Segmented<Grouping>
          size="small"
          aria-label={t("surveys.by")}
          value={grouping}
          onChange={setGrouping}
          options={GROUPINGS.map((value) => ({ value, label: t(`surveys.grouping.${value}`) }))}
        />
        <Segmented<Period>
          size="small"
          aria-label={t("surveys.period")}
          value={days}
          onChange={setDays}
          options={PERIODS.map((value) => ({ value, label: t(`surveys.days.${String(value) as "1"}`) }))}
        />
        <Button
          size="small"
          onClick={() => {
            ask("csv")
              .then((answer) => answer.blob())
              .then(
                (file) => {
                  download(file, "surveys.csv");
                },
                (error: unknown) => void toasts.error(words.problem(error)),
              );
          }}
        >
          {t("surveys.csv")}
        </Button>
      </header>
      {report.error !== null && report.data === undefined ? (
        <Failure error={report.error} onRetry={() => void report.refetch()} />
      ) : report.data === undefined ? (
        <Loading rows={4} />
      ) : report.data.length === 0 ? (
        <EmptyNotice title={t("surveys.none")} hint={t("surveys.noneHint")} />
      ) : (
        <Table<Row>
          size="small"
          rowKey={(row) => JSON.stringify([row[grouping], row.survey, row.question])}
          columns={columns}
          dataSource={[...report.data]}
          pagination={false}
        />
      )}
    </section>
  );
}

/** From midnight of so many days ago, today counted. */
function queryOf(grouping: Grouping, days: number, format: string): string {
  const from = new Date();
  from.setHours(0, 0, 0, 0);
  from.setDate(from.getDate() - days + 1);
  return new URLSearchParams({ group_by: grouping, from: from.toISOString(), format }).toString();
}

function useColumns(grouping: Grouping): TableColumnsType<Row> {
  const { t } = useTranslation();
  const words = useWords();
  return useMemo(() => {
    const figure = (value: number | null, digits = 0) => (value === null ? NOTHING : words.figure(value, digits));
    return [
      { title: t(`surveys.grouping.${grouping}`), key: "group", render: (_one, row) => (row[grouping] ?? "") || t("surveys.without") },
      { title: t("surveys.survey"), dataIndex: "survey" },
      { title: t("surveys.question"), dataIndex: "question", render: (question: string) => question || NOTHING },
      { title: t("surveys.asked"), dataIndex: "asked", align: "right", className: "num", render: (value: number) => figure(value) },
      { title: t("surveys.answered"), dataIndex: "answered", align: "right", className: "num", render: (value: number) => figure(value) },
      {
        title: t("surveys.share"),
        dataIndex: "share_answered",
        align: "right",
        className: "num",
        render: (share: number | null) => (share === null ? NOTHING : words.percent(share)),
      },
      {
        title: t("surveys.mean"),
        key: "mean",
        align: "right",
        className: "num",
        render: (_one, row) => (row.mean === null ? NOTHING : t("surveys.ofScale", { mean: figure(row.mean, 2), scale: figure(row.scale) })),
      },
      {
        title: t("surveys.range"),
        key: "range",
        align: "right",
        className: "num",
        render: (_one, row) => (row.lowest === null ? NOTHING : `${figure(row.lowest)}–${figure(row.highest)}`),
      },
    ];
  }, [t, words, grouping]);
}
