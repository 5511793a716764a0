import { useMutation, useMutationState, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useStale } from "../../live/context";
import type { Schemas } from "../../live/types";
import { useToasts } from "../../ui/toasts";

export type Message = Schemas["Message"];
export type MessageOrder = "heard" | "handled" | "delete" | "call-back";

interface Order {
  readonly message: Message;
  readonly to: MessageOrder;
}

export const MESSAGES = ["voice-messages"] as const;
/** Orders wait for one another: that a message was heard is no reason to lose that it is handled. */
const QUEUED = { mutationKey: MESSAGES, scope: { id: MESSAGES[0] } } as const;

/** A call-back needs a number: a queue promises it, from one's own mailbox one calls oneself. */
export function mayCallBack(message: Message): boolean {
  return message.caller !== "";
}

/** Work on messages. `leaving` are those that an order under way takes off the list: it is given once. */
export function useMessageOrders() {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const stale = useStale();
  const toasts = useToasts();
  const queries = useQueryClient();
  const { mutate } = useMutation({
    ...QUEUED,
    mutationFn: async ({ message, to }: Order): Promise<void> => {
      const params = { path: { message_id: message.id } };
      if (to === "delete") {
        await unwrap(api.DELETE("/api/v1/messages/{message_id}", { params }));
      } else if (to === "call-back") {
        const body = { key: newOrderKey() };
        const made = await unwrap(api.POST("/api/v1/messages/{message_id}/call-back", { params, body }));
        void toasts.info(t(made.call === null ? "messages.calledBack" : "messages.calling"));
      } else {
        await unwrap(api.PUT("/api/v1/messages/{message_id}/state", { params, body: { state: to, note: "", key: newOrderKey() } }));
      }
    },
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: MESSAGES }),
  });
  const leaving = useMutationState({
    filters: { mutationKey: MESSAGES, status: "pending", predicate: ({ state }) => (state.variables as Order).to !== "heard" },
    select: ({ state }) => (state.variables as Order).message.id,
  });
  const order = (message: Message | undefined, to: MessageOrder) => {
    if (message !== undefined && !stale && !leaving.includes(message.id) && (to !== "call-back" || mayCallBack(message))) {
      mutate({ message, to });
    }
  };
  return { order, leaving, may: !stale };
}
