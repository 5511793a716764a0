import { useMutation } from "@tanstack/react-query";
import { Button, type InputRef } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useLive } from "../../live/context";
import type { Agent, Call } from "../../live/types";
import { KeyCap, useKey } from "../../ui/keys";
import { StageWord } from "../../ui/StageWord";
import { useToasts } from "../../ui/toasts";
import { readSomebody } from "./somebody";
import { Input } from "../../ui/input";

/** How long *End for all* waits to be pressed again. */
const ARMED_MS = 4_000;

interface Props {
  readonly call: Call;
  readonly agent: Agent;
}

/** Who is asked about the caller, or gets him: only what is possible now can be pressed. */
export function Parties({ call, agent }: Props) {
  const second = useLive((state) =>
    [...state.view.rows.calls.values()].find((row) => row.consult_of === call.contact && row.stage !== "wrap"),
  );
  if (call.agent !== agent.id || call.consult_of != null || (call.stage !== "talking" && call.stage !== "held")) {
    return null;
  }
  return (
    <>
      {(call.parties ?? []).length === 0 ? null : <Conference call={call} />}
      {second === undefined ? <AskSomebody call={call} agent={agent} /> : <Asked call={call} second={second} />}
    </>
  );
}

/** A field for whom to call, by keyboard: `c`, a name or number, Enter. */
function AskSomebody({ call, agent }: Props) {
  const { t } = useTranslation();
  const api = useApi();
  const field = useRef<InputRef>(null);
  const [text, setText] = useState("");
  const agents = useLive((state) => state.view.rows.agents);
  const queues = useLive((state) => state.view.rows.queues);
  const colleagues = [...agents.values()].filter((other) => other.id !== agent.id && other.seat !== null);
  const order = useOrder((transfer: boolean) => {
    const body = { ...readSomebody(text, agents, queues), key: newOrderKey() };
    const params = { params: { path: { call_id: call.id } }, body };
    return transfer
      ? unwrap(api.POST("/api/v1/calls/{call_id}/transfer", params))
      : unwrap(api.POST("/api/v1/calls/{call_id}/consult", params));
  });
  const nobody = text.trim() === "";
  useKey("c", t("desk.consult"), () => field.current?.focus(), !order.isPending);
  const ask = () => {
    if (!nobody && !order.isPending) {
      order.mutate(false);
    }
  };
  return (
    <form
      className="call-parties"
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <Input
        ref={field}
        className="call-somebody"
        list="desk-somebody"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
        }}
        aria-label={t("desk.somebody")}
        aria-keyshortcuts="c"
        placeholder={t("desk.somebody")}
      />
      <datalist id="desk-somebody">
        {colleagues.map(({ id, name }) => (
          <option key={id} value={id}>{`${id} ${name}`}</option>
        ))}
        {[...queues.values()].map(({ id, name }) => (
          <option key={id} value={id}>{name}</option>
        ))}
      </datalist>
      <Button htmlType="submit" disabled={nobody} loading={order.isPending && !order.variables}>
        {t("desk.consult")}
        <KeyCap keys="c" />
      </Button>
      <Button
        disabled={nobody}
        loading={order.isPending && order.variables}
        onClick={() => {
          order.mutate(true);
        }}
      >
        {t("desk.transfer")}
      </Button>
    </form>
  );
}

/** Somebody is asked, or about to be. */
function Asked({ call, second }: { readonly call: Call; readonly second: Call }) {
  const { t } = useTranslation();
  const api = useApi();
  const order = useOrder((act: "complete" | "swap" | "conference" | "cancel") => {
    const params = { params: { path: { call_id: call.id } }, body: { key: newOrderKey() } };
    switch (act) {
      case "complete":
        return unwrap(api.POST("/api/v1/calls/{call_id}/complete", params));
      case "swap":
        return unwrap(api.POST("/api/v1/calls/{call_id}/swap", params));
      case "conference":
        return unwrap(api.POST("/api/v1/calls/{call_id}/conference", params));
      case "cancel":
        return unwrap(api.POST("/api/v1/calls/{call_id}/cancel", params));
    }
  });
  const there = second.stage === "talking" || second.stage === "held";
  // The same order twice is one slip of a finger; another one waits for its turn.
  const free = (act: string) => !order.isPending || order.variables !== act;
  const press = (act: "complete" | "swap" | "conference" | "cancel") => () => {
    order.mutate(act);
  };
  useKey("o", t("desk.complete"), press("complete"), free("complete"));
  useKey("s", t("desk.swap"), press("swap"), there && free("swap"));
  useKey("f", t("desk.conference"), press("conference"), there && free("conference"));
  useKey("x", t("desk.back"), press("cancel"), free("cancel"));
  const why = there ? undefined : t("desk.onlyAnswered");
  return (
    <section className="call-parties" aria-label={t("desk.asked")}>
      <p className="call-asked" role="status">
        <StageWord stage={second.stage} /> <b className="num">{second.agent ?? second.dialled}</b>
      </p>
      <Button onClick={press("complete")} loading={!free("complete")} aria-keyshortcuts="o">
        {t("desk.complete")}
        <KeyCap keys="o" />
      </Button>
      <Button disabled={!there} title={why} onClick={press("swap")} loading={!free("swap")} aria-keyshortcuts="s">
        {t("desk.swap")}
        <KeyCap keys="s" />
      </Button>
      <Button disabled={!there} title={why} onClick={press("conference")} loading={!free("conference")} aria-keyshortcuts="f">
        {t("desk.conference")}
        <KeyCap keys="f" />
      </Button>
      <Button onClick={press("cancel")} loading={!free("cancel")} aria-keyshortcuts="x">
        {t("desk.back")}
        <KeyCap keys="x" />
      </Button>
    </section>
  );
}

function Conference({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  const api = useApi();
  const drop = useOrder((leg: string) =>
    unwrap(api.DELETE("/api/v1/calls/{call_id}/parties/{leg}", { params: { path: { call_id: call.id, leg } } })),
  );
  return (
    <>
    <ul className="call-conference" aria-label={t("desk.inConference")}>
      {(call.parties ?? []).map((party) => (
        <li key={party.leg}>
          <span className="num">{party.agent ?? party.device}</span>
          <Button
            size="small"
            loading={drop.isPending && drop.variables === party.leg}
            onClick={() => {
              drop.mutate(party.leg);
            }}
          >
            {t("desk.drop")}
          </Button>
        </li>
      ))}
    </ul>
    <EndForAll call={call} />
    </>
  );
}

/** Ends the conference, the caller's call too: pressed once it asks, pressed again it does it. */
function EndForAll({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  const api = useApi();
  const [armed, setArmed] = useState(false);
  const end = useOrder((key: string) =>
    unwrap(api.DELETE("/api/v1/calls/{call_id}", { params: { path: { call_id: call.id }, query: { key } } })),
  );
  useEffect(() => {
    if (!armed) {
      return;
    }
    const timer = setTimeout(() => {
      setArmed(false);
    }, ARMED_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [armed]);
  const press = () => {
    setArmed(!armed);
    if (armed) {
      end.mutate(newOrderKey());
    }
  };
  const name = t(armed ? "desk.endForAllSure" : "desk.endForAll");
  useKey("q", name, press, !end.isPending);
  return (
    <p className="call-end-all" role="status">
      <Button size="small" danger type={armed ? "primary" : "default"} loading={end.isPending} onClick={press} aria-keyshortcuts="q">
        {name}
        <KeyCap keys="q" />
      </Button>
    </p>
  );
}

/** An order about the call; a refusal is told. */
function useOrder<Order>(send: (order: Order) => Promise<unknown>) {
  const words = useWords();
  const toasts = useToasts();
  return useMutation({
    mutationFn: send,
    scope: { id: "parties" },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
}
