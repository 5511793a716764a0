import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useNow, useStale } from "../../live/context";
import { clock } from "../../ui/format";
import { KeyCap, useKey } from "../../ui/keys";
import { useToasts } from "../../ui/toasts";

/** How long the wrap-up lasts yet; more time, or done before. */
export function WrapUpTime({ until }: { readonly until: string | null }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const toasts = useToasts();
  const now = useNow();
  const stale = useStale();
  const onError = (error: unknown) => {
    void toasts.error(words.problem(error));
  };
  const more = useMutation({
    mutationFn: (key: string) => unwrap(api.POST("/api/v1/me/wrap-up/extend", { body: { key } })),
    onError,
  });
  const done = useMutation({ mutationFn: (key: string) => unwrap(api.POST("/api/v1/me/wrap-up/finish", { body: { key } })), onError });
  const free = !stale && !more.isPending && !done.isPending;
  const extend = () => {
    more.mutate(newOrderKey());
  };
  const finish = () => {
    done.mutate(newOrderKey());
  };
  useKey("+", t("noting.more"), extend, free);
  useKey("w", t("noting.done"), finish, free);
  return (
    <span className="wrap-up-time">
      {until === null ? null : <span className="num">{t("noting.left", { time: clock(Math.ceil((Date.parse(until) - now) / 1_000)) })}</span>}
      <Button size="small" disabled={!free} loading={more.isPending} onClick={extend} aria-keyshortcuts="+">
        {t("noting.more")}
        <KeyCap keys="+" />
      </Button>
      <Button size="small" type="primary" disabled={!free} loading={done.isPending} onClick={finish} aria-keyshortcuts="w">
        {t("noting.done")}
        <KeyCap keys="w" />
      </Button>
    </span>
  );
}
