import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../api/context";
import { newOrderKey } from "../api/orderKey";
import { unwrap } from "../api/problem";
import { useWords } from "../i18n/useWords";
import type { Call } from "../live/types";
import { KeyCap, useKey } from "../ui/keys";
import { useToasts } from "../ui/toasts";
import "./recorded.css";

/** Why people pause a recording; what the server keeps, translated where it is shown. */
const REASONS = ["payment_data", "password", "private"] as const;

interface Props {
  readonly call: Call;
  readonly size?: "large" | "middle";
}

/** Pause what is recorded, saying why, and go on: by `p`, then 1, 2 or 3. Where people decide, start and stop: `r`. */
export function RecordingButtons({ call, size = "middle" }: Props) {
  if (call.stage !== "talking" && call.stage !== "held") {
    return null;
  }
  return (
    <>
      {call.on_demand ? <OnDemand call={call} size={size} /> : null}
      {call.recorded === "no" ? null : <Pausing call={call} size={size} />}
    </>
  );
}

function OnDemand({ call, size }: Required<Props>) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const starts = call.recorded === "no";
  const order = useMutation({
    mutationFn: (start: boolean) => {
      const params = { params: { path: { call_id: call.id } }, body: { reason: "", key: newOrderKey() } };
      return start
        ? unwrap(api.POST("/api/v1/calls/{call_id}/recording/start", params))
        : unwrap(api.POST("/api/v1/calls/{call_id}/recording/stop", params));
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const press = () => {
    order.mutate(starts);
  };
  const name = t(starts ? "recorded.start" : "recorded.stop");
  useKey("r", name, press, !order.isPending);
  return (
    <Button size={size} loading={order.isPending} onClick={press} aria-keyshortcuts="r">
      {name}
      <KeyCap keys="r" />
    </Button>
  );
}

function Pausing({ call, size }: Required<Props>) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const [asked, setAsked] = useState(false);
  const params = { path: { call_id: call.id } };
  const order = useMutation({
    mutationFn: (reason: string | null) =>
      reason === null
        ? unwrap(api.POST("/api/v1/calls/{call_id}/recording/resume", { params, body: { key: newOrderKey() } }))
        : unwrap(api.POST("/api/v1/calls/{call_id}/recording/pause", { params, body: { reason, key: newOrderKey() } })),
    onSettled: () => {
      setAsked(false);
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const paused = call.recorded === "paused";
  const asking = asked && !paused;
  const press = () => {
    if (paused) {
      order.mutate(null);
    } else {
      setAsked(!asking);
    }
  };
  const name = t(paused ? "recorded.resume" : asking ? "recorded.keep" : "recorded.pause");
  useKey("p", name, press, !order.isPending);
  return (
    <>
      <Button size={size} loading={order.isPending} onClick={press} aria-keyshortcuts="p" aria-expanded={paused ? undefined : asking}>
        {name}
        <KeyCap keys="p" />
      </Button>
      {asking ? (
        <div className="recorded-why" role="group" aria-label={t("recorded.why")}>
          {REASONS.map((reason, index) => (
            <Reason
              key={reason}
              name={words.name("reason", reason)}
              keys={String(index + 1)}
              disabled={order.isPending}
              onPress={() => {
                order.mutate(reason);
              }}
            />
          ))}
        </div>
      ) : null}
    </>
  );
}

interface ReasonProps {
  readonly name: string;
  readonly keys: string;
  readonly disabled: boolean;
  readonly onPress: () => void;
}

function Reason({ name, keys, disabled, onPress }: ReasonProps) {
  useKey(keys, name, onPress, !disabled);
  return (
    <Button disabled={disabled} onClick={onPress} aria-keyshortcuts={keys}>
      {name}
      <KeyCap keys={keys} />
    </Button>
  );
}
