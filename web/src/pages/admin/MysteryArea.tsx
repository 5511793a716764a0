import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Button, Tooltip, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useMe } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { hasRole } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { DrillLink } from "../../ui/DrillLink";
import { storyAddress } from "../../ui/drill";
import { NOTHING } from "../../ui/format";
import { useToasts } from "../../ui/toasts";
import { usePageTitle } from "../../ui/usePageTitle";
import { beside, differs, speech, type Figure } from "./mystery";
import { PagedTable } from "./PagedTable";

type Call = Schemas["MysteryCallItem"];

/** How often the list is asked for anew, and for how long more often after a call was ordered, milliseconds. */
const EVERY = 15_000;
const SOON = 2_000;
const WAITING = 120_000;

/** Mystery calls: what their caller heard, beside what the platform recorded of the same call (10.3.2). */
export function MysteryArea() {
  const { t } = useTranslation();
  const api = useApi();
  const me = useMe();
  const words = useWords();
  const toasts = useToasts();
  const [orderedAt, setOrderedAt] = useState(0);
  usePageTitle(t("mystery.title"));
  const pages = useInfiniteQuery({
    queryKey: ["mystery-calls"],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/mystery-calls", {
          params: { query: { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: () => (Date.now() - orderedAt < WAITING ? SOON : EVERY),
  });
  const order = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/mystery-calls", { body: { key: newOrderKey() } })),
    onSuccess: () => {
      setOrderedAt(Date.now());
      void toasts.info(t("mystery.ordered"));
    },
    onError: (error) => void toasts.error(words.problem(error)),
  });
  const columns = useColumns();
  const every = pages.data?.pages[0]?.scheduled_every_seconds;
  const may = hasRole(me, "supervisor", "maintainer", "admin");
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("mystery.title")}</h2>
        <span className="quiet">
          {every === undefined ? "" : every === 0 ? t("mystery.off") : t("mystery.every", { minutes: words.figure(every / 60, 0) })}
        </span>
        <span className="grow" />
        {may ? (
          <Tooltip title={every === 0 ? t("mystery.off") : ""}>
            <Button
              size="small"
              type="primary"
              disabled={every === undefined || every === 0}
              loading={order.isPending}
              onClick={() => {
                order.mutate();
              }}
            >
              {t("mystery.now")}
            </Button>
          </Tooltip>
        ) : null}
      </header>
      <p className="quiet mystery-hint">{t("mystery.hint")}</p>
      <PagedTable<Call> pages={pages} columns={columns} empty={t("mystery.none")} emptyHint={t("mystery.noneHint")} />
    </section>
  );
}

function useColumns(): TableColumnsType<Call> {
  const { t } = useTranslation();
  const words = useWords();
  return useMemo(() => {
    const figure = (name: Figure): TableColumnsType<Call>[number] => ({
      title: t(`mystery.${name}`),
      key: name,
      align: "right",
      className: "num",
      render: (_one, row) => <Pair row={row} name={name} />,
    });
    return [
      { title: t("mystery.at"), dataIndex: "at", render: (at: string) => words.dateTime(at) },
      {
        title: t("mystery.number"),
        dataIndex: "number",
        className: "num",
        render: (number: string, row) => (
          <>
            {number}
            {row.for_agent ? (
              <div className="quiet">
                {row.seat === "" ? t("mystery.agent") : t("mystery.robot", { seat: row.seat })}
                {row.staffed === false ? ` · ${t("mystery.unstaffed")}` : ""}
              </div>
            ) : null}
          </>
        ),
      },
      {
        title: t("mystery.fate"),
        key: "fate",
        render: (_one, row) => (
          <span className={row.fate === "completed" ? "good" : "bad"}>
            {t(`mystery.fates.${row.fate}`)}
            {row.status === 0 ? "" : ` ${String(row.status)}`}
            {row.failed_at === "" ? "" : ` · ${row.failed_at}`}
          </span>
        ),
      },
      figure("connect"),
      figure("key"),
      figure("query"),
      figure("wait"),
      { title: t("mystery.speech"), key: "speech", className: "num", render: (_one, row) => <Speech row={row} /> },
      figure("packets"),
      {
        title: t("mystery.recorded"),
        key: "recorded",
        render: (_one, row) => <Verdict row={row} />,
      },
      { title: t("mystery.by"), dataIndex: "ordered_by", render: (by: string) => by || t("mystery.scheduled") },
    ];
  }, [t, words]);
}

/** What was heard, and what was recorded of it. */
function Pair({ row, name }: { readonly row: Call; readonly name: Figure }) {
  const { t } = useTranslation();
  const words = useWords();
  const [heard, recorded] = beside(row, name);
  const shown = (value: number | null) =>
    value === null ? NOTHING : name === "packets" ? words.figure(value, 0) : `${words.figure(value * 1000, 0)} ms`;
  return (
    <span className={differs(row, name) ? "bad" : ""} title={t("mystery.pair", { heard: shown(heard), recorded: shown(recorded) })}>
      {shown(heard)} <span className="quiet">/ {shown(recorded)}</span>
    </span>
  );
}

/** PESQ and the way from mouth to ear, in each direction. */
function Speech({ row }: { readonly row: Call }) {
  const { t } = useTranslation();
  const words = useWords();
  const ways = speech(row);
  if (ways.length === 0) {
    return NOTHING;
  }
  return (
    <>
      {ways.map(([direction, pesq, seconds], place) => (
        <div key={`${direction}${String(place)}`}>
          <span className="quiet">{t(`mystery.${direction}`)}</span> {pesq === null ? NOTHING : words.figure(pesq, 2)}
          {seconds === null ? "" : ` · ${words.figure(seconds * 1000, 0)} ms`}
        </div>
      ))}
    </>
  );
}

function Verdict({ row }: { readonly row: Call }) {
  const { t } = useTranslation();
  if (row.recorded === null) {
    return <span className="quiet">{t("mystery.notCompared")}</span>;
  }
  if (row.recorded.contact === null) {
    return <b className="bad">▲ {t("mystery.notRecorded")}</b>;
  }
  return (
    <DrillLink to={storyAddress(row.recorded.contact)} title={t("drill.story")}>
      {row.recorded.differences.length === 0 ? `✓ ${t("mystery.equal")}` : `▲ ${t("mystery.different")}`}
    </DrillLink>
  );
}
