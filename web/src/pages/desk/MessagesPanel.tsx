import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useLive } from "../../live/context";
import type { Agent } from "../../live/types";
import { cx } from "../../ui/cx";
import { useKey } from "../../ui/keys";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { MESSAGES, useMessageOrders, type Message } from "./useMessageOrders";

/** Most of the time there are none: what a row needs is loaded with the first. */
const MessageRow = lazy(async () => ({ default: (await import("./MessageRow")).MessageRow }));

const SHOWN = 50;
/** The list is written a moment after the counts are told: it is asked once more. */
const SETTLED_MS = 500;

/** Voice messages of the agent's queues and his own that nobody handled yet; the list follows the live counts. */
export function MessagesPanel({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const messages = useMessages(agent);
  const { order, leaving, may } = useMessageOrders();
  const [chosen, setChosen] = useState<string | null>(null);
  const [playing, setPlaying] = useState<string | null>(null);
  const items = messages.data?.items ?? [];
  const open = items.filter(({ id }) => !leaving.includes(id));
  const current = open.find(({ id }) => id === chosen) ?? open[0];
  const next = open[(open.findIndex(({ id }) => id === current?.id) + 1) % open.length];
  const play = (message: Message | undefined) => {
    if (message !== undefined) {
      setChosen(message.id);
      setPlaying(message.id);
    }
  };
  const any = current !== undefined;
  useKey("v n", t("messages.keyNext"), () => { setChosen(next?.id ?? null); }, any);
  useKey("v p", t("messages.keyPlay"), () => { play(current); }, any);
  useKey("v h", t("messages.keyHandled"), () => { order(current, "handled"); }, any && may);
  useKey("v c", t("messages.keyCallBack"), () => { order(current, "call-back"); }, any && may);
  const fresh = items.filter(({ state }) => state === "new").length;
  return (
    <section className="panel messages" aria-label={t("messages.title")} data-new={fresh}>
      <header className="panel-head">
        <h2>{t("messages.title")}</h2>
        {items.length === 0 ? null : (
          <span className={cx("count", "num", fresh > 0 && "fresh")} role="status">{t("messages.fresh", { count: fresh })}</span>
        )}
      </header>
      {messages.error !== null ? (
        <Failure error={messages.error} onRetry={() => void messages.refetch()} />
      ) : messages.isPending ? (
        <Loading rows={2} />
      ) : items.length === 0 ? (
        <EmptyNotice title={t("messages.none")} hint={t("messages.noneHint")} />
      ) : (
        <Suspense fallback={<Loading rows={2} />}>
        <ul className="message-list">
          {items.map((message) => (
            <MessageRow
              key={message.id}
              message={message}
              chosen={message.id === current?.id}
              playing={message.id === playing}
              disabled={!may || leaving.includes(message.id)}
              onPlay={() => { play(message); }}
              onOrder={(to) => { order(message, to); }}
            />
          ))}
        </ul>
        </Suspense>
      )}
    </section>
  );
}

function useMessages(agent: Agent) {
  const api = useApi();
  const counts = useLive(({ view }) =>
    [...view.rows.queues.values(), agent].map((row) => `${row.id} ${String(row.new_messages)} ${String(row.heard_messages)}`).join(),
  );
  return useQuery({
    queryKey: [...MESSAGES, counts],
    queryFn: () => unwrap(api.GET("/api/v1/messages", { params: { query: { state: ["new", "heard"], limit: SHOWN } } })),
    placeholderData: (before) => before,
    gcTime: 0,
    refetchInterval: ({ state }) => (state.dataUpdateCount < 2 ? SETTLED_MS : false),
  });
}
