import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Drawer, Popconfirm } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useMe } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { hasRole } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { Failure, Loading } from "../../ui/notices";
import { useToasts } from "../../ui/toasts";
import { REFRESH_MS } from "./useTrunkActions";
import "./spans.css";

type Span = Schemas["SpanItem"];
type Channel = Schemas["ChannelItem"];
type Frame = Schemas["FrameItem"];
type Action = Schemas["ChannelAction"];

interface Order {
  readonly span: string;
  readonly slot?: number;
  readonly action: Action;
}

/** E1 spans: line, layer 2, channels, counters, the D channel; nothing where there are none (R10.4.a). */
export function SpansPanel() {
  const { t } = useTranslation();
  const api = useApi();
  const { data, error, refetch } = useQuery({
    queryKey: ["spans"],
    queryFn: () => unwrap(api.GET("/api/v1/isdn/spans")),
    refetchInterval: REFRESH_MS,
  });
  const [traced, setTraced] = useState<string>();
  if (error !== null && data === undefined) {
    return (
      <section className="panel below">
        <header className="panel-head">
          <h2>{t("spans.title")}</h2>
        </header>
        <Failure error={error} onRetry={() => void refetch()} />
      </section>
    );
  }
  return (
    <>
      {(data?.items ?? []).map((span) => (
        <SpanPanel
          key={span.id}
          span={span}
          onTrace={() => {
            setTraced(span.id);
          }}
        />
      ))}
      <Drawer
        title={t("spans.traceOf", { span: traced ?? "" })}
        open={traced !== undefined}
        size={720}
        onClose={() => {
          setTraced(undefined);
        }}
      >
        {traced === undefined ? null : <Trace span={traced} />}
      </Drawer>
    </>
  );
}

function useOrder() {
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ span, slot, action }: Order) => {
      const body = { key: newOrderKey() };
      return slot === undefined && action !== "loop" && action !== "unloop"
        ? unwrap(api.POST("/api/v1/isdn/spans/{span}/{action}", { params: { path: { span, action } }, body }))
        : unwrap(
            api.POST("/api/v1/isdn/spans/{span}/channels/{slot}/{action}", {
              params: { path: { span, slot: slot ?? 0, action } },
              body,
            }),
          );
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["spans"] }),
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
}

function SpanPanel({ span, onTrace }: { readonly span: Span; readonly onTrace: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const order = useOrder();
  const may = hasRole(me, "maintainer", "admin");
  const [slot, setSlot] = useState<number>();
  const chosen = span.channels.find((channel) => channel.slot === slot);
  const up = span.layer2 === "up";
  return (
    <section className="panel below" data-span={span.id}>
      <header className="panel-head">
        <h2>
          {t("spans.span")} {span.id}
        </h2>
        <b className={span.usable ? "good" : "bad"}>
          {span.usable ? "●" : "▲"} {t(span.usable ? "spans.usable" : span.blocked ? "spans.blocked" : "spans.unusable")}
        </b>
        <Timing span={span} may={may} />
        <span className={up ? "quiet" : "bad"}>
          {t("spans.layer2")} {t(up ? "spans.up" : "spans.down")}
        </span>
        {span.alarms.map((alarm) => (
          <b key={alarm} className="bad">
            ▲ {t(`spans.alarm.${alarm}` as "spans.alarm.los")}
          </b>
        ))}
        <span className="grow" />
        <Button size="small" onClick={onTrace}>
          {t("spans.trace")}
        </Button>
        <Operate of={{ span: span.id }} blocked={span.blocked} may={may} order={order} name={span.id} />
      </header>
      {span.problem === "" ? null : <p className="bad span-problem">▲ {span.problem}</p>}
      <div className="span-channels" role="group" aria-label={t("spans.channels")}>
        {span.channels.map((channel) => (
          <button
            key={channel.slot}
            type="button"
            className={`span-channel ${channel.state}${channel.blocked ? " is-blocked" : ""}`}
            aria-pressed={channel.slot === slot}
            onClick={() => {
              setSlot(channel.slot === slot ? undefined : channel.slot);
            }}
          >
            <span className="num">{channel.slot}</span>
            <span>{t(`spans.state.${channel.state}` as "spans.state.idle")}</span>
          </button>
        ))}
      </div>
      {chosen === undefined ? null : (
        <ChosenChannel key={chosen.slot} span={span.id} channel={chosen} may={may} order={order} />
      )}
      <Counters span={span} />
    </section>
  );
}

/** Whose clock times what the span sends; a card's is chosen elsewhere (R10.6.a). */
function Timing({ span: { id, timing }, may }: { readonly span: Span; readonly may: boolean }) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const queries = useQueryClient();
  const choose = useMutation({
    mutationFn: (source: Schemas["TimingSource"]) =>
      unwrap(
        api.POST("/api/v1/isdn/spans/{span}/timing/{source}", {
          params: { path: { span: id, source } },
          body: { key: newOrderKey() },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["spans"] }),
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const name = t(`spans.timings.${timing}` as "spans.timings.span");
  if (timing === "card" || !may) {
    return (
      <span className="quiet">
        {t("spans.timing")} {name}
      </span>
    );
  }
  const other = timing === "span" ? "system" : "span";
  return (
    <span className="quiet">
      {t("spans.timing")} {name}{" "}
      <Popconfirm
        title={`${t("spans.timeBy")} ${t(`spans.timings.${other}`)}?`}
        okText={t("notice.yes")}
        cancelText={t("notice.no")}
        onConfirm={() => {
          choose.mutate(other);
        }}
      >
        <Button size="small" loading={choose.isPending}>
          {t("spans.timeBy")} {t(`spans.timings.${other}`)}
        </Button>
      </Popconfirm>
    </span>
  );
}

function ChosenChannel({
  span,
  channel,
  may,
  order,
}: {
  readonly span: string;
  readonly channel: Channel;
  readonly may: boolean;
  readonly order: ReturnType<typeof useOrder>;
}) {
  const { t } = useTranslation();
  const words = useWords();
  const { call } = channel;
  return (
    <p className="span-chosen">
      <b>
        {t("spans.channel")} <span className="num">{channel.slot}</span>
      </b>
      <span>{t("spans.carried", { erlangs: words.figure(channel.erlangs, 3), calls: channel.calls })}</span>
      {call === null ? null : (
        <span className="num">
          {call.outgoing ? "→" : "←"} {call.caller || "–"} → {call.called}
        </span>
      )}
      <Loops span={span} channel={channel} may={may} order={order} />
      <Operate
        of={{ span, slot: channel.slot }}
        blocked={channel.blocked}
        may={may}
        order={order}
        name={`${span} : ${String(channel.slot)}`}
      />
    </p>
  );
}

/** Looping a channel for the far end, and testing a loop of the far end's. */
function Loops({
  span,
  channel: { slot, state, call },
  may,
  order,
}: {
  readonly span: string;
  readonly channel: Channel;
  readonly may: boolean;
  readonly order: ReturnType<typeof useOrder>;
}) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const test = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/v1/isdn/spans/{span}/channels/{slot}/loop-test", {
          params: { path: { span, slot } },
          body: { key: newOrderKey() },
        }),
      ),
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const looped = state === "looped" && !test.isPending;
  const disabled = !may || call !== null;
  const title = may ? undefined : t("notice.noPermission");
  return (
    <span className="row-actions">
      <Button
        size="small"
        disabled={disabled}
        title={title}
        onClick={() => {
          order.mutate({ span, slot, action: looped ? "unloop" : "loop" });
        }}
      >
        {t(looped ? "spans.unloop" : "spans.loop")}
      </Button>
      <Button
        size="small"
        disabled={disabled || looped}
        title={title}
        loading={test.isPending}
        onClick={() => {
          test.mutate();
        }}
      >
        {t("spans.test")}
      </Button>
      {test.data === undefined ? null : (
        <b role="status" className={test.data.looped && test.data.errors + test.data.lost_rows === 0 ? "good" : "warn"}>
          {test.data.looped
            ? t("spans.tested", { errors: test.data.errors, bits: test.data.bits, lost: test.data.lost_rows })
            : t("spans.notLooped")}
        </b>
      )}
    </span>
  );
}

interface OperateProps {
  readonly of: Omit<Order, "action">;
  readonly name: string;
  readonly blocked: boolean;
  readonly may: boolean;
  readonly order: ReturnType<typeof useOrder>;
}

function Operate({ of, name, blocked, may, order }: OperateProps) {
  const { t } = useTranslation();
  const title = may ? undefined : t("notice.noPermission");
  const toggle: Action = blocked ? "activate" : "block";
  return (
    <span className="row-actions">
      <Button
        size="small"
        disabled={!may}
        title={title}
        onClick={() => {
          order.mutate({ ...of, action: toggle });
        }}
      >
        {t(`trunks.do.${toggle}`)}
      </Button>
      <Popconfirm
        title={t("spans.sure", { name })}
        okText={t("notice.yes")}
        cancelText={t("notice.no")}
        disabled={!may}
        onConfirm={() => {
          order.mutate({ ...of, action: "reset" });
        }}
      >
        <Button size="small" disabled={!may} title={title}>
          {t("trunks.do.reset")}
        </Button>
      </Popconfirm>
    </span>
  );
}

function Counters({ span }: { readonly span: Span }) {
  const { t } = useTranslation();
  const { calls, line } = span;
  const figures = [
    ["incoming", calls.incoming],
    ["outgoing", calls.outgoing],
    ["answered", calls.answered],
    ["noChannel", calls.no_channel],
    ["glare", calls.glare],
    ["losses", calls.layer2_losses],
    ["slips", line.slips],
  ] as const;
  return (
    <dl className="span-counters">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{t(`spans.count.${name}`)}</dt>
          <dd className="num">{value}</dd>
        </div>
      ))}
      {calls.by_cause.map(({ cause, text, calls: count }) => (
        <div key={cause}>
          <dt title={text}>
            {t("spans.cause")} {cause}
          </dt>
          <dd className="num">{count}</dd>
        </div>
      ))}
    </dl>
  );
}

function Trace({ span }: { readonly span: string }) {
  const { t } = useTranslation();
  const api = useApi();
  const toasts = useToasts();
  const words = useWords();
  const trace = useQuery({
    queryKey: ["spans", span, "trace"],
    queryFn: () => unwrap(api.GET("/api/v1/isdn/spans/{span}/trace", { params: { path: { span } } })),
    refetchInterval: REFRESH_MS,
  });
  const capture = useMutation({
    mutationFn: () =>
      unwrap(api.GET("/api/v1/isdn/spans/{span}/capture", { params: { path: { span } }, parseAs: "blob" })),
    onSuccess: (file) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `${span}.pcap`;
      link.click();
      URL.revokeObjectURL(link.href);
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const [all, setAll] = useState(false);
  if (trace.error !== null) {
    return <Failure error={trace.error} onRetry={() => void trace.refetch()} />;
  }
  if (trace.data === undefined) {
    return <Loading rows={8} />;
  }
  const shown = trace.data.items.filter((frame) => all || frame.reference !== null).reverse();
  return (
    <>
      <div className="ladder-actions">
        <Button
          size="small"
          loading={capture.isPending}
          onClick={() => {
            capture.mutate();
          }}
        >
          {t("signalling.capture")}
        </Button>
        <Button
          size="small"
          aria-pressed={all}
          onClick={() => {
            setAll(!all);
          }}
        >
          {t(all ? "spans.messagesOnly" : "spans.allFrames")}
        </Button>
      </div>
      <ol className="span-ladder">
        <li className="span-ends" aria-hidden="true">
          <span>{t("spans.centre")}</span>
          <span>{t("spans.switch")}</span>
        </li>
        {shown.map((frame, index) => (
          <Rung key={`${frame.at} ${String(shown.length - index)}`} frame={frame} />
        ))}
      </ol>
    </>
  );
}

function Rung({ frame }: { readonly frame: Frame }) {
  const words = useWords();
  const details = [
    frame.channel == null ? "" : `B${String(frame.channel)}`,
    frame.caller ?? "",
    frame.called == null ? "" : `→ ${frame.called}`,
    frame.cause == null ? "" : `${String(frame.cause)} ${frame.cause_text ?? ""}`,
  ].filter((part) => part !== "");
  return (
    <li className={frame.sent ? "sent" : "came"}>
      <time className="num quiet">{words.time(frame.at)}</time>
      <span className="span-arrow">
        <b>{frame.name}</b> {frame.reference === null ? null : <span className="num quiet">#{frame.reference}</span>}{" "}
        <span className="num">{details.join(" ")}</span>
      </span>
    </li>
  );
}
