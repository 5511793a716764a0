import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";
import { AGENT_STATES, type AgentState } from "../live/types";
import { StateMark, stateColour } from "./StateMark";
import { cx } from "./cx";

interface Props {
  readonly counts: Readonly<Record<string, number>>;
  readonly large?: boolean;
}

/** Agents by state: one bar, and beneath it each state's shape, number and word. */
export function StateBar({ counts, large = false }: Props) {
  const { t } = useTranslation();
  const present = AGENT_STATES.map((state) => ({ state, count: counts[state] ?? 0 })).filter(({ count }) => count > 0);
  const signedIn = present.filter(({ state }) => state !== "signed_out");
  const label = present.map(({ state, count }) => `${String(count)} ${t(`state.${state}`)}`).join(", ");
  return (
    <div className={cx("state-bar-box", large && "large")} role="group" aria-label={label || t("overview.noAgents")}>
      <div className="state-bar" aria-hidden="true">
        {present.map(({ state, count }) => (
          <Tooltip key={state} title={`${t(`state.${state}`)}: ${String(count)}`}>
            <span className={cx("state-part", state)} style={partStyle(state, count)} />
          </Tooltip>
        ))}
      </div>
      <div className="state-legend" aria-hidden="true">
        {(signedIn.length > 0 ? signedIn : present).map(({ state, count }) => (
          <span key={state} className="state-entry">
            <StateMark state={state} size={large ? 16 : 10} />
            <b className="num">{count}</b>
            <span className="quiet">{t(`state.${state}`)}</span>
          </span>
        ))}
      </div>
    </div>
  );
}

function partStyle(state: AgentState, count: number): React.CSSProperties {
  return { flexGrow: count, color: stateColour(state) };
}
