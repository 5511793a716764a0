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

/** Pause what is recorded, saying why, and go on: by `p`, then 1, 2 or 3. */
export function RecordingButtons({ call, size = "middle" }: Props) {
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
  const recorded = call.recorded !== "no" && (call.stage === "talking" || call.stage === "held");
  const asking = asked && recorded && !paused;
  const press = () => {
    if (paused) {
      order.mutate(null);
    } else {
      setAsked(!asking);
    }
  };
  const name = t(paused ? "recorded.resume" : asking ? "recorded.keep" : "recorded.pause");
  useKey("p", name, press, recorded && !order.isPending);
  if (!recorded) {
    return null;
  }
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
