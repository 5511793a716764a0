import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useApi } from "../api/context";
import { newOrderKey } from "../api/orderKey";
import { unwrap } from "../api/problem";
import { useWords } from "../i18n/useWords";
import { useLive } from "../live/context";
import type { Call } from "../live/types";
import { usePhone, usePhoneChoice, usePhoneState } from "../phone/context";
import { useOwnSeat } from "../phone/useOwnSeat";
import { useToasts } from "../ui/toasts";
import { canBeHeard, SupervisionContext, type Supervising } from "./context";

interface Order {
  readonly call: Call;
  readonly what: Supervising | "take-over";
}

interface Part {
  readonly call: string;
  readonly agent: string | null;
  readonly what: Supervising;
}

/** Remembers in which talk the supervisor is; over with the talk, or with his own call to it. */
export function SupervisionProvider({ children }: { readonly children: ReactNode }) {
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const phone = usePhone();
  const [choice] = usePhoneChoice();
  const seat = useOwnSeat();
  const [part, setPart] = useState<Part | null>(null);
  const call = useLive((state) => (part === null ? undefined : state.view.rows.calls.get(part.call)));
  const there = part !== null && call !== undefined && call.agent === part.agent && canBeHeard(call);
  const onPhone = usePhoneState().talk?.contact;
  const contact = call?.contact;
  const [heard, setHeard] = useState(false);
  const hearsNow = contact !== undefined && onPhone === contact;
  const hungUp = choice === "browser" && heard && !hearsNow;
  if (part !== null && (!there || hungUp)) {
    setPart(null);
    setHeard(false);
  } else if (part !== null && hearsNow && !heard) {
    setHeard(true);
  }
  useEffect(() => {
    if (part === null) {
      phone.expect(null);
    }
  }, [phone, part]);

  const { mutate, isPending } = useMutation({
    mutationFn: ({ call: { id }, what }: Order) => {
      const params = { params: { path: { call_id: id } }, body: { seat, key: newOrderKey() } };
      switch (what) {
        case "monitor":
          return unwrap(api.POST("/api/v1/calls/{call_id}/monitor", params));
        case "whisper":
          return unwrap(api.POST("/api/v1/calls/{call_id}/whisper", params));
        case "barge":
          return unwrap(api.POST("/api/v1/calls/{call_id}/barge", params));
        case "take-over":
          return unwrap(api.POST("/api/v1/calls/{call_id}/take-over", params));
      }
    },
    onMutate: ({ call: { contact: wanted }, what }) => {
      if (what !== "take-over") {
        phone.expect(wanted);
      }
    },
    onSuccess: (_, { call: { id, agent }, what }) => {
      if (what !== "take-over") {
        setPart({ call: id, agent, what });
      }
    },
    onError: (error) => {
      phone.expect(null);
      void toasts.error(words.problem(error));
    },
  });
  const what = part?.what;
  const value = useMemo(
    () => ({
      seat,
      part: there && what !== undefined ? { call, what } : null,
      pending: isPending,
      order: (wanted: Call, how: Order["what"]) => {
        mutate({ call: wanted, what: how });
      },
      leave: () => {
        phone.hangUp();
        setPart(null);
      },
    }),
    [seat, there, call, what, isPending, mutate, phone],
  );
  return <SupervisionContext value={value}>{children}</SupervisionContext>;
}
