import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../api/context";
import { useCallsByContact, useHasView, useLive } from "../live/context";
import type { Call } from "../live/types";
import { usePhone, usePhoneChoice, usePhoneState } from "./context";
import { useOwnSeat } from "./useOwnSeat";

/** Who calls, in one word. */
export function callerOf(call: Call): string {
  return call.caller_name !== "" ? call.caller_name : call.caller;
}

/** Keeps the browser's phone at the seat of its agent or supervisor, whatever page he looks at, and tells of a call that is offered. */
export function PhoneKeeper() {
  const { t } = useTranslation();
  const me = useMe();
  const phone = usePhone();
  const [choice] = usePhoneChoice();
  const hasView = useHasView();
  const agent = useLive((state) => state.view.rows.agents.get(me.agent ?? ""));
  const calls = useCallsByContact();
  const seat = useOwnSeat();
  const { talk } = usePhoneState();
  const rings = agent?.state === "reserved";
  const ringing = talk?.stage === "ringing" ? calls.get(talk.contact) : undefined;
  // A queue gave him the call, and takes it back: a phone that was loaded anew meanwhile has heard nothing of it.
  const over = talk?.stage === "ringing" && !rings && (ringing === undefined || ringing.queue !== null);
  const offered = rings && agent.contact !== null ? calls.get(agent.contact) : undefined;
  const caller = offered === undefined ? null : callerOf(offered);

  useEffect(() => {
    if (hasView) {
      phone.follow(choice === "browser" ? seat : null);
    }
  }, [phone, hasView, choice, seat]);
  useEffect(() => {
    if (hasView) {
      phone.settle(!over);
    }
  }, [phone, hasView, over]);
  useEffect(() => {
    if (caller === null || !document.hidden || !("Notification" in window) || Notification.permission !== "granted") {
      return;
    }
    const note = new Notification(t("phone.rings", { caller: caller === "" ? t("calls.withheld") : caller }), {
      tag: "ccplatform.call",
      requireInteraction: true,
      silent: true,
    });
    note.onclick = () => {
      window.focus();
      note.close();
    };
    return () => {
      note.close();
    };
  }, [caller, t]);
  return null;
}
