import { useId, type ReactNode } from "react";

export interface Aria {
  readonly id: string;
  readonly "aria-invalid": boolean;
  readonly "aria-describedby": string | undefined;
}

interface Props {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
  readonly children: (aria: Aria) => ReactNode;
}

/** A label, its control, a hint, and what the server says against it. */
export function FieldFrame({ name, label, hint, problem, children }: Props) {
  const id = useId();
  const told = [...(problem === undefined ? [] : [`${id}-problem`]), ...(hint === undefined ? [] : [`${id}-hint`])].join(" ");
  return (
    <div className="setting-field" data-field={name}>
      <label htmlFor={id}>{label}</label>
      <div>
        {children({ id, "aria-invalid": problem !== undefined, "aria-describedby": told === "" ? undefined : told })}
        {problem === undefined ? null : (
          <p className="setting-problem" id={`${id}-problem`} role="alert">
            {problem}
          </p>
        )}
        {hint === undefined ? null : (
          <p className="quiet setting-hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
