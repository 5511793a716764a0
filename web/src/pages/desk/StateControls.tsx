import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useReasons } from "../../agents/useReasons";
import { useSetState, type Wish } from "../../agents/useSetState";
import { useStale } from "../../live/context";
import type { Agent } from "../../live/types";
import { KeyCap, useKey } from "../../ui/keys";
import { useToasts } from "../../ui/toasts";

export function StateControls({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const toasts = useToasts();
  const { reasons } = useReasons();
  const { setState } = useSetState(agent.id);
  const stale = useStale();
  const ready = agent.state === "ready";
  const onCall = agent.state === "talking" || agent.state === "held" || agent.state === "reserved";
  const ask = (wish: Wish) => {
    setState.mutate(wish, {
      onSuccess: (row) => {
        if (row.state !== wish.state) {
          void toasts.info(t("desk.afterCall", { state: t(`state.${wish.state}`) }));
        }
      },
    });
  };
  const toReady = () => {
    ask({ state: "ready", reason: "" });
  };
  const toNotReady = (reason: string) => {
    ask({ state: "not_ready", reason });
  };
  const signOut = () => {
    ask({ state: "signed_out", reason: "" });
  };
  const why = stale ? t("desk.notWhileLost") : undefined;
  // During a call both make sense: what shall come after it. F2 then asks for a pause.
  const f2 = ready || onCall ? "not_ready" : "ready";
  useKey("F2", t("desk.toggle"), f2 === "ready" ? toReady : () => {
    toNotReady("");
  }, !stale);
  useKey("o", t("desk.signOut"), signOut, !stale);
  return (
    <div className="state-controls">
      {f2 === "ready" ? (
        <Button type="primary" size="large" block onClick={toReady} disabled={stale} title={why} loading={setState.isPending} aria-keyshortcuts="F2">
          {t("desk.ready")}
          <KeyCap keys="F2" />
        </Button>
      ) : (
        <Button
          size="large"
          block
          disabled={stale}
          title={why}
          loading={setState.isPending}
          aria-keyshortcuts="F2"
          onClick={() => {
            toNotReady("");
          }}
        >
          {t(onCall ? "desk.notReadyAfter" : "desk.notReady")}
          <KeyCap keys="F2" />
        </Button>
      )}
      {reasons.length === 0 ? null : (
        <div className="reasons" role="group" aria-label={t("desk.reasons")}>
          {reasons.map(({ id, name }, index) => (
            <ReasonButton
              key={id}
              label={name}
              keys={index < 9 ? `p ${String(index + 1)}` : ""}
              active={agent.state === "not_ready" && agent.reason === id}
              disabled={stale}
              onPress={() => {
                toNotReady(id);
              }}
            />
          ))}
        </div>
      )}
      <Button type="text" block onClick={signOut} disabled={stale} title={why} aria-keyshortcuts="o">
        {t("desk.signOut")}
        <KeyCap keys="o" />
      </Button>
    </div>
  );
}

interface ReasonProps {
  readonly label: string;
  readonly keys: string;
  readonly active: boolean;
  readonly disabled: boolean;
  readonly onPress: () => void;
}

function ReasonButton({ label, keys, active, disabled, onPress }: ReasonProps) {
  const { t } = useTranslation();
  useKey(keys, `${t("desk.notReady")}: ${label}`, onPress, keys !== "" && !disabled);
  return (
    <Button size="small" onClick={onPress} disabled={disabled} aria-pressed={active} aria-keyshortcuts={keys === "" ? undefined : keys} className={active ? "active" : ""}>
      {label}
      {keys === "" ? null : <KeyCap keys={keys} />}
    </Button>
  );
}
