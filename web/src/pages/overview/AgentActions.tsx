import { MoreOutlined } from "@ant-design/icons";
import { Button, Popover } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSetState, type Wish } from "../../agents/useSetState";
import type { Agent } from "../../live/types";

/** A supervisor changes somebody's state; during a call it takes effect after it. */
export function AgentActions({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const { setState } = useSetState(agent.id);
  const out = agent.state === "signed_out";
  const ask = (state: Wish["state"]) => () => {
    setOpen(false);
    setState.mutate({ state, reason: "" });
  };
  return (
    <Popover
      trigger="click"
      placement="left"
      open={open && !out}
      onOpenChange={setOpen}
      content={
        <div className="agent-actions">
          <Button size="small" disabled={agent.state === "ready"} onClick={ask("ready")}>
            {t("desk.ready")}
          </Button>
          <Button size="small" disabled={agent.state === "not_ready"} onClick={ask("not_ready")}>
            {t("desk.notReady")}
          </Button>
          <Button size="small" danger onClick={ask("signed_out")}>
            {t("desk.signOut")}
          </Button>
        </div>
      }
    >
      <Button
        type="text"
        size="small"
        icon={<MoreOutlined />}
        disabled={out}
        loading={setState.isPending}
        aria-label={t("agents.actionsOf", { agent: `${agent.id} ${agent.name}` })}
        title={out ? t("agents.cannotForce") : undefined}
      />
    </Popover>
  );
}
