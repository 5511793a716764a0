import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { lazy, Suspense, useEffect, useState, type CSSProperties, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useLive, useNow } from "../../live/context";
import { usePhone, usePhoneState } from "../../phone/context";
import type { Agent, Call } from "../../live/types";
import { RecordedSign } from "../../recorded/RecordedSign";
import { cx } from "../../ui/cx";
import { clock } from "../../ui/format";
import { KeyCap, useKey } from "../../ui/keys";
import { EmptyNotice } from "../../ui/notices";
import { StageWord } from "../../ui/StageWord";
import { Timer } from "../../ui/Timer";
import { useToasts } from "../../ui/toasts";
import { DialPanel, LastFailure } from "./DialPanel";
import { Keypad } from "./Keypad";
import { Parties } from "./Parties";
import { usePop } from "./usePop";

/** Loaded with the first call that has a script. */
const ScriptSteps = lazy(async () => ({ default: (await import("./ScriptSteps")).ScriptSteps }));

const RecordingButtons = lazy(async () => ({ default: (await import("../../recorded/RecordingButtons")).RecordingButtons }));

/** How long Enter does nothing more. */
const CALM_MS = 1_000;

interface Props {
  readonly call: Call | undefined;
  readonly agent: Agent;
}

export function CallCard({ call, agent }: Props) {
  const { t } = useTranslation();
  const dialled = useDialled(call);
  const last = useLastOne(call);
  return (
    <section className="panel call-card" aria-label={t("desk.myCall")}>
      {call === undefined ? (
        <div className="no-call">
          {dialled === null ? null : <LastFailure key={dialled} contact={dialled} />}
          <EmptyNotice
            title={t("desk.noCall")}
            hint={t(agent.state === "ready" ? "desk.noCallReady" : agent.state === "signed_out" ? "desk.noCallOut" : "desk.noCallPause")}
          />
          {agent.state === "signed_out" ? null : <DialPanel agent={agent} last={last} />}
        </div>
      ) : (
        <CallInHand call={call} agent={agent} />
      )}
    </section>
  );
}

/** The contact of the call in hand, or of the last one that was. */
function useLastOne(call: Call | undefined): string | null {
  const [last, setLast] = useState<string | null>(null);
  if (call !== undefined && call.contact !== last) {
    setLast(call.contact);
  }
  return last;
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
  const { talk } = usePhoneState();
  const queue = useLive((state) => (call.queue === null ? undefined : state.view.rows.queues.get(call.queue)));
  const waited =
    call.queued_at === null || call.offered_at === null
      ? null
      : (Date.parse(call.offered_at) - Date.parse(call.queued_at)) / 1_000;
  // He was asked, or asked to join, and somebody else has the caller: he may leave, and nothing else.
  const joined = call.agent !== agent.id && (call.parties ?? []).some((party) => party.agent === agent.id);
  const guest = joined || call.consult_of != null;
  return (
    <div className="live-figure call-in-hand">
      <p className="call-stage">
        <StageWord stage={call.stage} />
        <RecordedSign call={call} />
        <Timer since={call.since} />
      </p>
      <p className="call-caller num">{call.caller === "" ? t("calls.withheld") : call.caller}</p>
      {call.caller_name === "" ? null : <p className="call-name">{call.caller_name}</p>}
      {talk?.cut === true && talk.contact === call.contact ? (
        <p className="bad">▲ {t("phone.cutShort")}</p> // in place of another line: nothing moves
      ) : (
        <p className="quiet num">
          {call.direction === "outbound" ? t("dial.shown", { number: call.dialled }) : `${call.dialled} → ${queue?.name ?? call.queue ?? t("calls.direct")}`}
          {waited === null ? null : <> · {t("desk.waited", { time: words.clock(waited) })}</>}
        </p>
      )}
      {call.stage === "ringing" && talk === null ? <p className="ring-note">{t("desk.answerOnPhone")}</p> : null}
      {call.stage === "dialling" ? (
        <p className={call.cause === "" ? "ring-note" : "warn"} role="status">
          {call.cause === "" ? t("dial.ringing") : `▲ ${words.name("cause", call.cause)}`}
        </p>
      ) : null}
      {call.agent === agent.id || joined ? <CallControls call={call} agent={agent} guest={guest} /> : null}
      <Parties key={call.id} call={call} agent={agent} />
      <Script call={call} />
    </div>
  );
}

/** The script of the call's queue, from the first ring to the end of the wrap-up. */
function Script({ call }: { readonly call: Call }) {
  const pop = usePop(call);
  const script = pop.data?.contact === call.contact ? pop.data.script : null;
  return script == null ? null : (
    <Suspense>
      <ScriptSteps key={call.contact} script={script} />
    </Suspense>
  );
}

function CallControls({ call, agent, guest }: { readonly call: Call; readonly agent: Agent; readonly guest: boolean }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const toasts = useToasts();
  const { talk } = usePhoneState();
  const order = () => ({ params: { path: { call_id: call.id } }, body: { key: newOrderKey() } });
  const onError = (error: unknown) => {
    void toasts.error(words.problem(error));
  };
  const holding = useMutation({
    mutationFn: (retrieve: boolean) =>
      unwrap(
        retrieve
          ? api.POST("/api/v1/calls/{call_id}/retrieve", order())
          : api.POST("/api/v1/calls/{call_id}/hold", order()),
      ),
    onError,
  });
  // Apart from holding: a call can be ended while an order to hold it is under way.
  const ending = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/calls/{call_id}/hangup", order())),
    onError,
  });
  const [keypad, setKeypad] = useState(false);
  const toggleKeypad = () => {
    setKeypad((open) => !open);
  };
  const held = call.stage === "held";
  const inTalk = held || call.stage === "talking";
  const talks = inTalk && !guest;
  // His own telephone knows that it talks before the centre's word of it comes.
  const ends = inTalk || call.stage === "dialling" || (talk?.stage === "talking" && talk.contact === call.contact);
  // In a conference the others go on talking.
  const hangUpName = t((call.parties ?? []).length > 0 ? "desk.leave" : "desk.hangUp");
  // An order whose effect shows is done, whenever its answer comes.
  const turning = holding.isPending && holding.variables === held;
  const hold = () => {
    holding.mutate(held);
  };
  const hangUp = () => {
    ending.mutate();
  };
  const why = talks ? undefined : t(guest ? "desk.onlyWhoHasTheCaller" : "desk.onlyTalking");
  useKey("h", t(held ? "desk.retrieve" : "desk.hold"), hold, talks && !turning);
  useKey("k", t("desk.keypad"), toggleKeypad, talks);
  useKey("e", hangUpName, hangUp, ends && !ending.isPending);
  return (
    <>
    {keypad && talks ? <Keypad call={call} /> : null}
    <div className="call-controls">
      <AnswerButton offered={call.stage === "ringing"} agent={agent} />
      <Button size="large" disabled={!talks} title={why} loading={turning} onClick={hold} aria-keyshortcuts="h">
        {t(held ? "desk.retrieve" : "desk.hold")}
        <KeyCap keys="h" />
      </Button>
      <MuteButton disabled={!inTalk} />
      {call.recorded === "no" && !call.on_demand ? null : (
        <Suspense fallback={null}>
          <RecordingButtons call={call} size="large" />
        </Suspense>
      )}
      <Button size="large" disabled={!talks} title={why} onClick={toggleKeypad} aria-expanded={keypad} aria-keyshortcuts="k">
        {t("desk.keypad")}
        <KeyCap keys="k" />
      </Button>
      <Button size="large" danger disabled={!ends} title={ends ? undefined : why} loading={ending.isPending} onClick={hangUp} aria-keyshortcuts="e">
        {hangUpName}
        <KeyCap keys="e" />
      </Button>
    </div>
    </>
  );
}

/** Enter answers, and does nothing else for the next second: who presses twice means one thing. */
function AnswerButton({ offered, agent }: { readonly offered: boolean; readonly agent: Agent }) {
  const { t } = useTranslation();
  const phone = usePhone();
  const { talk } = usePhoneState();
  const [calm, setCalm] = useState(false);
  const rings = talk?.stage === "ringing";
  const shown = offered && talk !== null;
  const answer = () => {
    if (rings) {
      setCalm(true);
      void phone.answer();
    }
  };
  useEffect(() => {
    if (!calm) {
      return;
    }
    const timer = setTimeout(() => {
      setCalm(false);
    }, CALM_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [calm]);
  useKey("Enter", t("desk.answer"), answer, shown || calm);
  return shown ? (
    <Rim agent={agent}>
      <Button type="primary" size="large" block loading={!rings} onClick={answer} aria-keyshortcuts="Enter">
        {t("desk.answer")}
        <KeyCap keys="Enter" />
      </Button>
    </Rim>
  ) : null;
}

/** How long it rings yet: around the button, and in seconds. */
function Rim({ agent, children }: { readonly agent: Agent; readonly children: ReactNode }) {
  const { t } = useTranslation();
  const now = useNow();
  const until = agent.state === "reserved" && agent.until != null ? Date.parse(agent.until) : null;
  if (until === null || agent.since === null) {
    return <div className="answer">{children}</div>;
  }
  const left = Math.min(1, Math.max(0, (until - now) / (until - Date.parse(agent.since))));
  return (
    <div className="answer rim" style={{ "--left": `${String(Math.round(left * 100))}%` } as CSSProperties}>
      {children}
      <span className="quiet num">{t("noting.left", { time: clock(Math.ceil((until - now) / 1_000)) })}</span>
    </div>
  );
}

/** Nothing of what the agent says leaves the browser. */
function MuteButton({ disabled: over }: { readonly disabled: boolean }) {
  const { t } = useTranslation();
  const phone = usePhone();
  const { talk } = usePhoneState();
  const muted = talk?.muted ?? false;
  const disabled = over || talk === null;
  const mute = () => {
    phone.mute(!muted);
  };
  const name = t(muted ? "desk.unmute" : "desk.mute");
  useKey("m", name, mute, !disabled);
  return (
    <Button size="large" className={cx("mute", muted && "active")} disabled={disabled} title={over ? t("desk.onlyTalking") : talk === null ? t("desk.muteOnPhone") : undefined} aria-pressed={muted} onClick={mute} aria-keyshortcuts="m">
      {name}
      <KeyCap keys="m" />
    </Button>
  );
}
