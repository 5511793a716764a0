import { useTranslation } from "react-i18next";
import { useReasons } from "../../agents/useReasons";
import type { Agent } from "../../live/types";
import { StateMark, stateColour } from "../../ui/StateMark";
import { Timer } from "../../ui/Timer";
import { SignIn } from "./SignIn";
import { StateControls } from "./StateControls";

export function StateCard({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const { nameOf } = useReasons();
  const out = agent.state === "signed_out";
  return (
    <section className="panel state-card" aria-label={t("desk.myState")} style={{ boxShadow: `inset 0 4px 0 ${stateColour(agent.state)}` }}>
      <div className="state-now live-figure" data-state={agent.state}>
        <p className="state-large" role="status" style={{ color: stateColour(agent.state) }}>
          <StateMark state={agent.state} size={22} />
          {t(`state.${agent.state}`)}
        </p>
        <p className="state-timer">{out ? null : <Timer since={agent.since} />}</p>
      </div>
      <p className="quiet state-sub num">
        {[
          `${agent.id} ${agent.name}`,
          agent.seat,
          nameOf(agent.reason),
        ]
          .filter((part) => part !== null && part !== "")
          .join(" · ")}
      </p>
      {out ? <SignIn agent={agent} /> : <StateControls agent={agent} />}
    </section>
  );
}
