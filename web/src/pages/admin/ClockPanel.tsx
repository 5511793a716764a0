import { useQuery } from "@tanstack/react-query";
import { Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { REFRESH_MS } from "./useTrunkActions";

type Clock = Schemas["ClockItem"];
type Server = Schemas["TimeServerItem"];

/** What keeps the time of day, and how far it is from the time servers (R10.6.b). */
export function ClockPanel() {
  const { t } = useTranslation();
  const api = useApi();
  const { data, error, refetch } = useQuery({
    queryKey: ["clock"],
    queryFn: () => unwrap(api.GET("/api/v1/clock")),
    refetchInterval: REFRESH_MS,
  });
  return (
    <section className="panel below" data-clock={data?.source}>
      <header className="panel-head">
        <h2>{t("clock.title")}</h2>
        {data === undefined ? null : <State clock={data} />}
      </header>
      {data !== undefined ? (
        <Servers clock={data} />
      ) : error === null ? (
        <Loading rows={2} />
      ) : (
        <Failure error={error} onRetry={() => void refetch()} />
      )}
    </section>
  );
}

function State({ clock }: { readonly clock: Clock }) {
  const { t } = useTranslation();
  const words = useWords();
  const offset = clock.offset_seconds;
  const off = offset !== null && Math.abs(offset) > clock.limit_seconds;
  const kernel = clock.synchronised === null ? "unknown" : clock.synchronised ? "disciplined" : "undisciplined";
  return (
    <>
      <span className={kernel === "disciplined" ? "good" : kernel === "unknown" ? "quiet" : "warn"}>
        {t(`clock.${kernel}`)}
      </span>
      {offset === null ? null : (
        <span className={off ? "bad" : "quiet"} data-offset={off ? "off" : "right"}>
          {off ? "▲ " : ""}
          {t("clock.offset")} <b className="num">{t("clock.seconds", { value: words.figure(offset, 3) })}</b>{" "}
          {t("clock.limit", { seconds: words.figure(clock.limit_seconds, 1) })}
        </span>
      )}
      {clock.synchronised === true && clock.most_error_seconds !== null ? (
        <span className="quiet">
          {t("clock.mostError")}{" "}
          <span className="num">{t("clock.seconds", { value: words.figure(clock.most_error_seconds, 3) })}</span>
        </span>
      ) : null}
    </>
  );
}

function Servers({ clock }: { readonly clock: Clock }) {
  const { t } = useTranslation();
  const words = useWords();
  const columns = useMemo<TableColumnsType<Server>>(() => {
    const ms = (seconds: number | null) =>
      seconds === null ? NOTHING : t("clock.ms", { value: words.figure(seconds * 1000, 1) });
    return [
      { title: t("clock.server"), dataIndex: "server", className: "num" },
      {
        title: t("clock.offset"),
        key: "offset",
        className: "num",
        render: (_value, row) =>
          row.problem === "" ? (
            `${ms(row.offset_seconds)} ± ${ms(row.distance_seconds)}`
          ) : (
            <span className="warn">{row.problem}</span>
          ),
      },
      { title: t("clock.delay"), dataIndex: "delay_seconds", className: "num", render: ms },
      { title: t("clock.stratum"), dataIndex: "stratum", className: "num", render: (of: number | null) => of ?? NOTHING },
    ];
  }, [t, words]);
  return (
    <Table<Server>
      size="small"
      rowKey="server"
      columns={columns}
      dataSource={clock.servers}
      pagination={false}
      locale={{ emptyText: <EmptyNotice title={t("clock.none")} hint={t("clock.noneHint")} /> }}
    />
  );
}
