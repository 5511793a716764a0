import { useTranslation } from "react-i18next";
import type { AgentState, CallStage } from "../live/types";
import { StateMark, stateColour } from "./StateMark";

/** The stage of a call in the shapes and colours of the agents' states. */
const LIKE: Partial<Record<CallStage, AgentState>> = {
  ringing: "reserved",
  connecting: "reserved",
  dialling: "reserved",
  talking: "talking",
  held: "held",
  wrap: "wrap_up",
};

export function StageWord({ stage }: { readonly stage: CallStage }) {
  const { t } = useTranslation();
  const like = LIKE[stage];
  return (
    <span className="state-word" style={like === undefined ? undefined : { color: stateColour(like) }}>
      {like === undefined ? <StageMark stage={stage} /> : <StateMark state={like} />}
      <span>{t(`stage.${stage}`)}</span>
    </span>
  );
}

function StageMark({ stage }: { readonly stage: CallStage }) {
  return (
    <svg className="state-mark quiet" width={12} height={12} viewBox="0 0 12 12" aria-hidden="true" fill="currentColor">
      {stage === "queue" ? (
        <path d="M1 1.5h10v2H1zM1 5h10v2H1zM1 8.5h10v2H1z" />
      ) : (
        <path d="M1 1h3v3H1zM5 1h3v3H5zM9 1h2.5v3H9zM1 5h3v3H1zM5 5h3v3H5zM9 5h2.5v3H9zM5 9h3v2.5H5z" />
      )}
    </svg>
  );
}
