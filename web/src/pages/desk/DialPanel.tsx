import { useMutation, useQuery } from "@tanstack/react-query";
import { Button, type InputRef } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useStale } from "../../live/context";
import type { Agent, Schemas } from "../../live/types";
import { KeyCap, useKey } from "../../ui/keys";
import { useToasts } from "../../ui/toasts";
import { Input } from "../../ui/input";

type Contact = Schemas["Contact"];

const SHOWN = 6;

/** It is written a moment after the call is gone. */
const LOOK_MS = 300;
const LOOKS = 10;

interface Props {
  readonly agent: Agent;
  /** The call in hand before, if there was one: it is looked for among the last contacts until it is there. */
  readonly last: string | null;
}

/** Call a number: typed, or that of one of the last contacts. The agent's own phone rings first. */
export function DialPanel({ agent, last }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const toasts = useToasts();
  const stale = useStale();
  const field = useRef<InputRef>(null);
  const [number, setNumber] = useState("");
  const recent = useQuery({
    queryKey: ["own-contacts", agent.id, agent.state, last],
    queryFn: () => unwrap(api.GET("/api/v1/contacts", { params: { query: { limit: SHOWN } } })),
    placeholderData: (before) => before,
    refetchInterval: ({ state }) =>
      last !== null && state.dataUpdateCount < LOOKS && state.data?.items.some(({ id, outcome }) => id === last && outcome !== null) !== true ? LOOK_MS : false,
  });
  const dial = useMutation({
    // The key makes a click that is sent twice one call.
    mutationFn: (to: string) => unwrap(api.POST("/api/v1/calls", { body: { to, caller_id: "", customer: "", key: newOrderKey() } })),
    onSuccess: () => {
      setNumber("");
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const may = !stale && agent.state !== "signed_out" && !dial.isPending;
  const wanted = number.trim();
  const call = (to: string) => {
    if (may && to.length > 1) {
      dial.mutate(to);
    }
  };
  useKey("c", t("dial.focus"), () => field.current?.focus(), may);
  return (
    <div className="dial">
      <form
        className="dial-field"
        onSubmit={(event) => {
          event.preventDefault();
          call(wanted);
        }}
      >
        <Input
          ref={field}
          value={number}
          size="large"
          inputMode="tel"
          maxLength={40}
          disabled={!may}
          aria-label={t("dial.number")}
          aria-keyshortcuts="c"
          placeholder={t("dial.number")}
          suffix={<KeyCap keys="c" />}
          onChange={(event) => {
            setNumber(event.target.value);
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              field.current?.blur();
            }
          }}
        />
        <Button type="primary" size="large" htmlType="submit" disabled={!may || wanted.length < 2} loading={dial.isPending}>
          {t("dial.call")}
        </Button>
      </form>
      <p className="quiet note">{t("dial.note")}</p>
      <Recent contacts={recent.data?.items ?? []} disabled={!may} onCall={call} />
    </div>
  );
}

interface RecentProps {
  readonly contacts: readonly Contact[];
  readonly disabled: boolean;
  readonly onCall: (number: string) => void;
}

function Recent({ contacts, disabled, onCall }: RecentProps) {
  const { t } = useTranslation();
  const words = useWords();
  const known = contacts
    .map((contact) => ({ ...contact, other: contact.direction === "internal" ? contact.dialled : (contact.caller ?? "") }))
    .filter(({ other }) => other !== "");
  if (known.length === 0) {
    return null;
  }
  return (
    <ul className="recent num" aria-label={t("dial.recent")}>
      {known.map((contact) => {
        const { other } = contact;
        return (
          <li key={contact.id}>
            <span aria-label={words.name("direction", contact.direction)}>{contact.direction === "inbound" ? "↙" : "↗"}</span>
            <span className="recent-number">{other}</span>
            <span className="quiet">{contact.outcome === null ? "" : t(`outcome.${contact.outcome}`)}</span>
            <span className="quiet">{words.dateTime(contact.started_at)}</span>
            <Button
              size="small"
              disabled={disabled}
              aria-label={t("dial.callNumber", { number: other })}
              onClick={() => {
                onCall(other);
              }}
            >
              {t("dial.call")}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}

/** Why nobody answered whom the agent called last; gone with the next call. */
export function LastFailure({ contact }: { readonly contact: string }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const [over, setOver] = useState(false);
  // Among the last contacts, since it is written a moment after the call is gone: a list is never missing.
  const found = useQuery({
    queryKey: ["own-contacts", "until", contact],
    queryFn: () => unwrap(api.GET("/api/v1/contacts", { params: { query: { limit: SHOWN } } })),
    select: ({ items }) => items.find(({ id }) => id === contact),
    refetchInterval: (query) =>
      query.state.data?.items.find(({ id }) => id === contact)?.outcome == null && query.state.dataUpdateCount < LOOKS ? LOOK_MS : false,
  });
  useEffect(() => {
    const timer = window.setTimeout(() => {
      setOver(true);
    }, 15_000);
    return () => {
      window.clearTimeout(timer);
    };
  }, [contact]);
  const ended = found.data;
  if (over || ended?.outcome == null || ended.outcome === "handled" || ended.cause === "cancelled") {
    return null;
  }
  return (
    <p className="warn call-failed" role="status">
      ▲ {t("dial.failed", { number: ended.direction === "internal" ? ended.dialled : (ended.caller ?? ""), why: words.name("cause", ended.cause ?? "") })}
    </p>
  );
}
