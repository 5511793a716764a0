import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useApi, useMe } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { hasRole } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import { useToasts } from "../../ui/toasts";

/** How often the present state of trunks and bans is asked for. */
export const REFRESH_MS = 2000;

export const ACTIONS = ["activate", "block", "isolate", "reset"] as const;
export type TrunkAction = (typeof ACTIONS)[number];

/** Operating trunks, listeners and registrations, lifting bans; `may` follows the routes' roles. */
export function useTrunkActions() {
  const api = useApi();
  const me = useMe();
  const words = useWords();
  const queries = useQueryClient();
  const toasts = useToasts();
  const onError = (error: Error) => {
    void toasts.error(words.problem(error));
  };
  const operate = useMutation({
    mutationFn: (path: { readonly trunk: string; readonly action: TrunkAction }) =>
      unwrap(api.POST("/api/v1/trunks/{trunk}/{action}", { params: { path }, body: { key: newOrderKey() } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["trunks"] }),
    onError,
  });
  const lift = useMutation({
    mutationFn: (source: string) => unwrap(api.DELETE("/api/v1/sip/bans/{source}", { params: { path: { source } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["bans"] }),
    onError,
  });
  const resetPort = useMutation({
    mutationFn: (transport: string) =>
      unwrap(api.POST("/api/v1/sip/ports/{transport}/reset", { params: { path: { transport } }, body: { key: newOrderKey() } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["ports"] }),
    onError,
  });
  const resetSeat = useMutation({
    mutationFn: (seat: string) => 
      unwrap(api.POST("/api/v1/seats/{seat}/reset", { params: { path: { seat } }, body: { key: newOrderKey() } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["seats"] }),
    onError,
  });
  return { operate, lift, resetPort, resetSeat, may: hasRole(me, "maintainer", "admin") };
}
