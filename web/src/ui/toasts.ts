import type { MessageInstance } from "antd/es/message/interface";
import { createContext, useContext } from "react";

export type Toasts = Pick<MessageInstance, "error" | "info">;

/** Short notices in the corner; the library's App component would bring its dialogues along. */
export const ToastsContext = createContext<Toasts | null>(null);

export function useToasts(): Toasts {
  const toasts = useContext(ToastsContext);
  if (toasts === null) {
    throw new Error("useToasts outside of a ToastsContext");
  }
  return toasts;
}
