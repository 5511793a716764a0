/** What the controls of a node's fields need to know of the flow around them. */
import { createContext, useContext } from "react";

export interface FormScope {
  /** The flow's name, for its recordings. */
  readonly flow: string;
  readonly node: string;
  readonly languages: readonly string[];
  readonly nodes: readonly string[];
  readonly variables: readonly string[];
  /** Why a path below the node is wrong. */
  readonly problems: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  /** The flow is kept by the server, so that recordings can be uploaded. */
  readonly kept: boolean;
}

/** Languages by their own names. */
export const LANGUAGES: Readonly<Record<string, string>> = { zh: "中文", en: "English" };

export const FormContext = createContext<FormScope | null>(null);

export function useForm(): FormScope {
  const scope = useContext(FormContext);
  if (scope === null) {
    throw new Error("useForm outside of a FormContext");
  }
  return scope;
}
