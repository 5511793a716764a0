import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Call } from "../../live/types";
import { useKey } from "../../ui/keys";
import { useToasts } from "../../ui/toasts";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] as const;

/** The keys of a telephone; what is pressed goes to the caller's side, for instance into somebody's menu. */
export function Keypad({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const send = useMutation({
    mutationFn: (digits: string) =>
      unwrap(api.POST("/api/v1/calls/{call_id}/dtmf", { params: { path: { call_id: call.id } }, body: { digits, key: newOrderKey() } })),
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
  });
  return (
    <div className="keypad" role="group" aria-label={t("desk.keypad")}>
      {KEYS.map((digit) => (
        <KeypadKey
          key={digit}
          digit={digit}
          onPress={() => {
            send.mutate(digit);
          }}
        />
      ))}
    </div>
  );
}

function KeypadKey({ digit, onPress }: { readonly digit: string; readonly onPress: () => void }) {
  const { t } = useTranslation();
  useKey(digit, t("desk.press", { digit }), onPress);
  return (
    <Button onClick={onPress} aria-keyshortcuts={digit}>
      {digit}
    </Button>
  );
}
