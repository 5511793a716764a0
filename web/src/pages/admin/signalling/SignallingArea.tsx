import { Button } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { usePages } from "../../../api/usePages";
import { KeyCap, useKey } from "../../../ui/keys";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { usePageTitle } from "../../../ui/usePageTitle";
import type { SignallingFilters } from "./filters";
import { MessageDrawer } from "./MessageDrawer";
import { MessageTable } from "./MessageTable";
import type { Message } from "./ladder";
import { SignallingFilterBar } from "./SignallingFilterBar";
import { useCapture } from "./useCapture";
import { useTail } from "./useTail";

const PAGE = 100;

/** All signalling: found by filters, followed as it passes, explained, taken along (R10.4.d). */
export function SignallingArea() {
  const { t } = useTranslation();
  usePageTitle(t("admin.signalling"));
  const [filters, setFilters] = useState<SignallingFilters>({});
  const [live, setLive] = useState(true);
  const [open, setOpen] = useState<Message | null>(null);
  const api = useApi();
  const pages = usePages(
    ["signalling", filters],
    (from) => unwrap(api.GET("/api/v1/signalling", { params: { query: { ...filters, limit: PAGE, ...from } } })),
    { refetchOnWindowFocus: false },
  );
  const tail = useTail(filters, live && filters.to === undefined, pages.data?.pages[0]?.last);
  const items = useMemo(
    () => [...tail.items, ...(pages.data?.pages.flatMap((page) => page.items) ?? [])],
    [tail.items, pages.data],
  );
  const capture = useCapture();
  const toggle = () => {
    if (live) {
      setLive(false);
    } else {
      void pages.refetch().then(() => {
        setLive(true);
      });
    }
  };
  useKey("p", t(live ? "signalling.pause" : "signalling.follow"), toggle);
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.signalling")}</h2>
        <span className={live ? "good" : "quiet"} role="status">
          {live ? "●" : "❚❚"} {t(live ? "signalling.live" : "signalling.paused")}
        </span>
        {tail.error === null ? null : <span className="warn">▲ {t("signalling.gone")}</span>}
        <span className="grow" />
        <Button size="small" onClick={toggle}>
          {t(live ? "signalling.pause" : "signalling.follow")} <KeyCap keys="p" />
        </Button>
        <Button
          size="small"
          loading={capture.isPending}
          onClick={() => {
            capture.mutate(filters);
          }}
        >
          {t("signalling.capture")}
        </Button>
      </header>
      <SignallingFilterBar filters={filters} onChange={setFilters} />
      {pages.error !== null && pages.data === undefined ? (
        <Failure error={pages.error} onRetry={() => void pages.refetch()} />
      ) : pages.isPending ? (
        <Loading rows={10} />
      ) : items.length === 0 && !pages.hasNextPage ? (
        <EmptyNotice title={t("signalling.none")} hint={t("signalling.noneHint")} />
      ) : (
        <MessageTable items={items} open={open} onOpen={setOpen} />
      )}
      {pages.hasNextPage ? (
        <div className="more">
          <Button loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t("signalling.earlier")}
          </Button>
        </div>
      ) : null}
      {open === null ? null : (
        <MessageDrawer
          message={open}
          onClose={() => {
            setOpen(null);
          }}
        />
      )}
    </section>
  );
}
