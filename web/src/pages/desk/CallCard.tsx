import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useLive } from "../../live/context";
import type { Agent, Call } from "../../live/types";
import { KeyCap, useKey } from "../../ui/keys";
import { EmptyNotice } from "../../ui/notices";
import { StageWord } from "../../ui/StageWord";
import { Timer } from "../../ui/Timer";
import { useToasts } from "../../ui/toasts";
import { DialPanel, LastFailure } from "./DialPanel";
import { Parties } from "./Parties";

interface Props {
  readonly call: Call | undefined;
  readonly agent: Agent;
}

export function CallCard({ call, agent }: Props) {
  const { t } = useTranslation();
  const dialled = useDialled(call);
  return (
    <section className="panel call-card" aria-label={t("desk.myCall")}>
      {call === undefined ? (
        <div className="no-call">
          {dialled === null ? null : <LastFailure key={dialled} contact={dialled} />}
          <EmptyNotice
            title={t("desk.noCall")}
            hint={t(agent.state === "ready" ? "desk.noCallReady" : agent.state === "signed_out" ? "desk.noCallOut" : "desk.noCallPause")}
          />
          {agent.state === "signed_out" ? null : <DialPanel agent={agent} />}
        </div>
      ) : (
        <CallInHand call={call} agent={agent} />
      )}
    </section>
  );
}

/** The contact that the agent called last, until another call is in hand. */
function useDialled(call: Call | undefined): string | null {
  const [last, setLast] = useState<{ readonly contact: string; readonly dialling: boolean } | null>(null);
  const dialling = call?.stage === "dialling";
  if (call !== undefined && (last?.contact !== call.contact || last.dialling !== dialling)) {
    setLast({ contact: call.contact, dialling });
  }
  return last?.dialling === true ? last.contact : null;
}

function CallInHand({ call, agent }: { readonly call: Call; readonly agent: Agent }) {
  const { t } = useTranslation();
  const words = useWords();
  const queue = useLive((state) => (call.queue === null ? undefined : state.view.rows.queues.get(call.queue)));
  const waited =
    call.queued_at === null || call.offered_at === null
      ? null
      : (Date.parse(call.offered_at) - Date.parse(call.queued_at)) / 1_000;
  return (
    <div className="live-figure call-in-hand">
      <p className="call-stage">
        <StageWord stage={call.stage} />
        <Timer since={call.since} />
      </p>
      <p className="call-caller num">{call.caller === "" ? t("calls.withheld") : call.caller}</p>
      {call.caller_name === "" ? null : <p className="call-name">{call.caller_name}</p>}
      <p className="quiet num">
        {call.direction === "outbound" ? t("dial.shown", { number: call.dialled }) : `${call.dialled} → ${queue?.name ?? call.queue ?? t("calls.direct")}`}
        {waited === null ? null : <> · {t("desk.waited", { time: words.clock(waited) })}</>}
      </p>
      {call.stage === "ringing" ? <p className="ring-note">{t("desk.answerOnPhone")}</p> : null}
      {call.stage === "dialling" ? (
        <p className={call.cause === "" ? "ring-note" : "warn"} role="status">
          {call.cause === "" ? t("dial.ringing") : `▲ ${words.name("cause", call.cause)}`}
        </p>
      ) : null}
      {call.agent === agent.id ? <CallControls call={call} /> : null}
      <Parties key={call.id} call={call} agent={agent} />
    </div>
  );
}

function CallControls({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const toasts = useToasts();
  const act = useMutation({
    mutationFn: (action: "hold" | "retrieve" | "hangup") => {
      const params = { params: { path: { call_id: call.id } } };
      switch (action) {
        case "hold":
          return unwrap(api.POST("/api/v1/calls/{call_id}/hold", params));
        case "retrieve":
          return unwrap(api.POST("/api/v1/calls/{call_id}/retrieve", params));
        case "hangup":
          return unwrap(api.POST("/api/v1/calls/{call_id}/hangup", params));
      }
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const held = call.stage === "held";
  const talks = held || call.stage === "talking";
  const ends = talks || call.stage === "dialling";
  const hold = () => {
    act.mutate(held ? "retrieve" : "hold");
  };
  const hangUp = () => {
    act.mutate("hangup");
  };
  const why = talks ? undefined : t("desk.onlyTalking");
  useKey("h", t(held ? "desk.retrieve" : "desk.hold"), hold, talks && !act.isPending);
  useKey("e", t("desk.hangUp"), hangUp, ends && !act.isPending);
  return (
    <div className="call-controls">
      <Button size="large" disabled={!talks} title={why} loading={act.isPending && act.variables !== "hangup"} onClick={hold} aria-keyshortcuts="h">
        {t(held ? "desk.retrieve" : "desk.hold")}
        <KeyCap keys="h" />
      </Button>
      <Button size="large" danger disabled={!ends} title={ends ? undefined : why} loading={act.isPending && act.variables === "hangup"} onClick={hangUp} aria-keyshortcuts="e">
        {t("desk.hangUp")}
        <KeyCap keys="e" />
      </Button>
    </div>
  );
}
