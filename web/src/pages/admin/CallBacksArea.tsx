import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Modal, Popconfirm, Segmented, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useMe } from "../../api/context";
import { newOrderKey } from "../../api/orderKey";
import { unwrap } from "../../api/problem";
import { hasRole } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { useToasts } from "../../ui/toasts";
import { usePageTitle } from "../../ui/usePageTitle";
import { localText } from "./ContactFilters";
import { PagedTable } from "./PagedTable";

type CallBack = Schemas["CallBackItem"];
type Show = "open" | "all";

/** Promised call-backs: who is to be called, when, and what became of it. */
export function CallBacksArea() {
  const { t } = useTranslation();
  const api = useApi();
  const [show, setShow] = useState<Show>("open");
  const [moved, setMoved] = useState<CallBack | null>(null);
  usePageTitle(t("admin.callbacks"));
  const pages = useInfiniteQuery({
    queryKey: ["callbacks", show],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/call-backs", {
          params: {
            query: { limit: 100, ...(show === "open" ? { state: "open" as const } : {}), ...(pageParam === null ? {} : { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const columns = useColumns(setMoved);
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.callbacks")}</h2>
        <span className="grow" />
        <Segmented<Show>
          size="small"
          value={show}
          onChange={setShow}
          options={(["open", "all"] as const).map((value) => ({ value, label: t(`callbacks.show.${value}`) }))}
        />
      </header>
      <PagedTable<CallBack> pages={pages} columns={columns} empty={t("callbacks.none")} emptyHint={t("callbacks.noneHint")} />
      {moved === null ? null : (
        <Move
          key={moved.id}
          callBack={moved}
          onClose={() => {
            setMoved(null);
          }}
        />
      )}
    </section>
  );
}

function useColumns(onMove: (row: CallBack) => void): TableColumnsType<CallBack> {
  const { t } = useTranslation();
  const words = useWords();
  return useMemo(
    () => [
      { title: t("callbacks.promised"), dataIndex: "created_at", className: "num", render: (at: string) => words.dateTime(at) },
      { title: t("queues.queue"), dataIndex: "queue" },
      { title: t("callbacks.number"), dataIndex: "number", className: "num" },
      { title: t("callbacks.notBefore"), dataIndex: "not_before", className: "num", render: (at: string) => words.dateTime(at) },
      { title: t("callbacks.expires"), dataIndex: "expires_at", className: "num", render: (at: string) => words.dateTime(at) },
      { title: t("callbacks.attempts"), dataIndex: "attempts", className: "num", align: "right" },
      {
        title: t("callbacks.state"),
        dataIndex: "state",
        render: (state: CallBack["state"], row) => (
          <span title={row.reason}>
            {t(`callbacks.states.${state}`)} {row.reason === "" ? null : <span className="quiet">{words.name("cause", row.reason)}</span>}
          </span>
        ),
      },
      {
        title: <span className="sr-only">{t("trunks.actions")}</span>,
        key: "actions",
        render: (_value, row) => (row.state === "open" ? <Actions row={row} onMove={onMove} /> : NOTHING),
      },
    ],
    [t, words, onMove],
  );
}

function Actions({ row, onMove }: { readonly row: CallBack; readonly onMove: (row: CallBack) => void }) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const toasts = useToasts();
  const queries = useQueryClient();
  const may = hasRole(useMe(), "supervisor", "admin");
  const cancel = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/call-backs/{call_back}", { params: { path: { call_back: row.id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["callbacks"] }),
    onError: (error) => void toasts.error(words.problem(error)),
  });
  const why = may ? undefined : t("notice.noPermission");
  return (
    <span className="row-actions">
      <Button
        size="small"
        disabled={!may}
        title={why}
        onClick={() => {
          onMove(row);
        }}
      >
        {t("callbacks.move")}
      </Button>
      <Popconfirm
        title={t("callbacks.sure", { number: row.number })}
        okText={t("callbacks.cancel")}
        cancelText={t("settings.keep")}
        disabled={!may}
        onConfirm={() => {
          cancel.mutate();
        }}
      >
        <Button size="small" disabled={!may} title={why} loading={cancel.isPending}>
          {t("callbacks.cancel")}
        </Button>
      </Popconfirm>
    </span>
  );
}

/** Another hour for a call-back; its place in line stays. */
function Move({ callBack, onClose }: { readonly callBack: CallBack; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const queries = useQueryClient();
  const [at, setAt] = useState(localText(callBack.not_before));
  const move = useMutation({
    mutationFn: () =>
      unwrap(
        api.PUT("/api/v1/call-backs/{call_back}", {
          params: { path: { call_back: callBack.id } },
          body: { not_before: new Date(at).toISOString(), key: newOrderKey() },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["callbacks"] });
      onClose();
    },
  });
  return (
    <Modal
      open
      title={t("callbacks.moveOf", { number: callBack.number })}
      okText={t("settings.save")}
      cancelText={t("settings.cancel")}
      okButtonProps={{ disabled: at === "", loading: move.isPending }}
      onOk={() => {
        move.mutate();
      }}
      onCancel={onClose}
    >
      <Input
        type="datetime-local"
        aria-label={t("callbacks.notBefore")}
        value={at}
        onChange={(event) => {
          setAt(event.target.value);
        }}
      />
      {move.error === null ? null : (
        <p className="bad" role="alert">
          {words.problem(move.error)}
        </p>
      )}
    </Modal>
  );
}
