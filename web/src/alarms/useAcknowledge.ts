import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useApi, useMe } from "../api/context";
import { unwrap } from "../api/problem";
import { hasRole } from "../api/session";
import { useWords } from "../i18n/useWords";
import { useToasts } from "../ui/toasts";

/** Acknowledging an alarm; `may` follows the route's roles. */
export function useAcknowledge() {
  const api = useApi();
  const me = useMe();
  const words = useWords();
  const queries = useQueryClient();
  const toasts = useToasts();
  const acknowledge = useMutation({
    mutationFn: (alarm: string) =>
      unwrap(api.POST("/api/v1/alarms/{alarm}/acknowledge", { params: { path: { alarm } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["alarms"] }),
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  return { acknowledge, may: hasRole(me, "supervisor", "maintainer", "admin") };
}
