import { MoreOutlined } from "@ant-design/icons";
import { Button, Dropdown } from "antd";
import { useTranslation } from "react-i18next";
import { useSetState } from "../../agents/useSetState";
import type { Agent } from "../../live/types";

/** A supervisor changes somebody's state; during a call it takes effect after it. */
export function AgentActions({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const { setState } = useSetState(agent.id);
  const out = agent.state === "signed_out";
  return (
    <Dropdown
      trigger={["click"]}
      disabled={out}
      menu={{
        items: [
          { key: "ready", label: t("desk.ready"), disabled: agent.state === "ready" },
          { key: "not_ready", label: t("desk.notReady"), disabled: agent.state === "not_ready" },
          { type: "divider" },
          { key: "signed_out", label: t("desk.signOut"), danger: true },
        ],
        onClick: ({ key }) => {
          setState.mutate({ state: key as "ready" | "not_ready" | "signed_out", reason: "" });
        },
      }}
    >
      <Button
        type="text"
        size="small"
        icon={<MoreOutlined />}
        loading={setState.isPending}
        aria-label={t("agents.actionsOf", { agent: `${agent.id} ${agent.name}` })}
        title={out ? t("agents.cannotForce") : undefined}
      />
    </Dropdown>
  );
}
