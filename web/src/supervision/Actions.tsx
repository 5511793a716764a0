import { useMutation } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../api/context";
import { newOrderKey } from "../api/orderKey";
import { unwrap } from "../api/problem";
import { useWords } from "../i18n/useWords";
import { useAgents, useLive } from "../live/context";
import type { Call } from "../live/types";
import { RecordedSign } from "../recorded/RecordedSign";
import { RecordingButtons } from "../recorded/RecordingButtons";
import { useToasts } from "../ui/toasts";
import { PartButtons } from "./PartButtons";

/** Listen, move who waits, pause the recording, end. */
export function Actions({ call, onDone }: { readonly call: Call; readonly onDone: () => void }) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const queues = useLive((state) => state.view.rows.queues);
  const ready = useAgents().filter((agent) => agent.state === "ready");
  const params = { path: { call_id: call.id } };
  const act = useMutation({
    mutationFn: (send: () => Promise<unknown>) => send(),
    onSuccess: onDone,
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  const waits = call.stage === "queue";
  return (
    <div className="supervision-actions">
      {waits ? null : <PartButtons call={call} />}
      {waits ? null : <RecordedSign call={call} />}
      {waits ? null : <RecordingButtons call={call} />}
      {waits ? (
        <>
          <Select
            aria-label={t("supervision.move")}
            placeholder={t("supervision.move")}
            value={null}
            loading={act.isPending}
            options={[...queues.values()].filter(({ id }) => id !== call.queue).map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(queue: string) => {
              act.mutate(() => unwrap(api.POST("/api/v1/calls/{call_id}/transfer", { params, body: { queue, key: newOrderKey() } })));
            }}
          />
          <Select
            aria-label={t("supervision.ring")}
            placeholder={t(ready.length === 0 ? "supervision.nobodyReady" : "supervision.ring")}
            disabled={ready.length === 0}
            value={null}
            options={ready.map(({ id, name }) => ({ value: id, label: `${id} ${name}` }))}
            onChange={(agent: string) => {
              act.mutate(() => unwrap(api.POST("/api/v1/calls/{call_id}/pickup", { params, body: { agent, key: newOrderKey() } })));
            }}
          />
        </>
      ) : null}
      <Button
        danger
        loading={act.isPending}
        onClick={() => {
          act.mutate(() => unwrap(api.POST("/api/v1/calls/{call_id}/hangup", { params, body: { key: newOrderKey() } })));
        }}
      >
        {t("supervision.end")}
      </Button>
    </div>
  );
}
