import { useTranslation } from "react-i18next";
import type { AgentState } from "../live/types";

/** A state as shape and colour; the shape alone tells the states apart. Always next to the word. */
export function StateMark({ state, size = 12 }: { readonly state: AgentState; readonly size?: number }) {
  return (
    <svg
      className="state-mark"
      width={size}
      height={size}
      viewBox="0 0 12 12"
      aria-hidden="true"
      style={{ color: stateColour(state) }}
    >
      {SHAPES[state]}
    </svg>
  );
}

export function StateWord({ state, reason = "" }: { readonly state: AgentState; readonly reason?: string }) {
  const { t } = useTranslation();
  return (
    <span className="state-word" style={{ color: stateColour(state) }}>
      <StateMark state={state} />
      <span>
        {t(`state.${state}`)}
        {reason === "" ? null : <span className="state-reason"> · {reason}</span>}
      </span>
    </span>
  );
}

export function stateColour(state: AgentState): string {
  return `var(--${state.replace("_", "-")})`;
}

const SHAPES: Record<AgentState, React.ReactNode> = {
  ready: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  talking: <path d="M6 .4 11.6 6 6 11.6.4 6Z" fill="currentColor" />,
  held: <path d="M2 1.5h3v9H2zM7 1.5h3v9H7z" fill="currentColor" />,
  reserved: <path d="M6 .8 11.8 11H.2Z" fill="currentColor" />,
  wrap_up: (
    <>
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.4" />
      <path d="M6 1.4a4.6 4.6 0 0 1 0 9.2Z" fill="currentColor" />
    </>
  ),
  not_ready: <rect x="1.2" y="1.2" width="9.6" height="9.6" rx="1.6" fill="currentColor" />,
  signed_out: <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.5" />,
};
