import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useApi } from "../api/context";
import { newOrderKey } from "../api/orderKey";
import { ApiError, unwrap } from "../api/problem";
import { useWords } from "../i18n/useWords";
import type { Agent, Schemas } from "../live/types";
import { useToasts } from "../ui/toasts";
import { REASONS_KEY } from "./useReasons";

export type Wish = Omit<Schemas["SetState"], "key">;

/** Ask for a state. What became of it comes over the event stream; a refusal is said. */
export function useSetState(agent: string) {
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const queries = useQueryClient();
  const setState = useMutation<Agent, Error, Wish>({
    mutationFn: (wish) =>
      unwrap(api.PUT("/api/v1/agents/{agent_id}/state", { params: { path: { agent_id: agent } }, body: { ...wish, key: newOrderKey() } })),
    onError: (error) => {
      if (error instanceof ApiError && error.code === "unknown_reason") {
        void queries.invalidateQueries({ queryKey: REASONS_KEY });
      }
      void toasts.error(words.problem(error));
    },
  });
  return { setState };
}
