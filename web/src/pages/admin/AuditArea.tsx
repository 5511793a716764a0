import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Alert, Button, Input, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { usePageTitle } from "../../ui/usePageTitle";
import { PagedTable } from "./PagedTable";

type Entry = Schemas["AuditItem"];

export function AuditArea() {
  const { t } = useTranslation();
  const api = useApi();
  const [subject, setSubject] = useState("");
  usePageTitle(t("admin.audit"));
  const pages = useInfiniteQuery({
    queryKey: ["audit", subject],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/audit", {
          params: {
            query: {
              limit: 100,
              ...(subject === "" ? {} : { subject }),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const columns = useColumns();
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.audit")}</h2>
        <span className="grow" />
        <Input.Search
          size="small"
          className="filter"
          allowClear
          placeholder={t("audit.subject")}
          aria-label={t("audit.subject")}
          onSearch={(text) => {
            setSubject(text.trim());
          }}
        />
        <VerifyButton />
      </header>
      <PagedTable<Entry>
        pages={pages}
        columns={columns}
        empty={t("audit.none")}
        emptyHint={t("audit.noneHint")}
        expanded={(row) => <pre className="raw">{JSON.stringify(row.detail, null, 2)}</pre>}
      />
    </section>
  );
}

function useColumns(): TableColumnsType<Entry> {
  const { t } = useTranslation();
  const words = useWords();
  return useMemo(
    () => [
      { title: "#", dataIndex: "seq", className: "num", align: "right" },
      { title: t("audit.at"), dataIndex: "at", className: "num", render: (at: string) => words.dateTime(at) },
      { title: t("audit.subject"), dataIndex: "subject" },
      { title: t("audit.action"), dataIndex: "action", render: (action: string) => words.name("auditAction", action) },
      { title: t("audit.object"), dataIndex: "object", className: "num" },
      {
        title: t("audit.result"),
        dataIndex: "result",
        render: (result: string) => (
          <span className={result === "ok" ? "" : "warn"}>
            {result === "ok" ? "" : "▲ "}
            {words.name("auditResult", result)}
          </span>
        ),
      },
    ],
    [t, words],
  );
}

/** Each entry carries the hash of the one before: whether none was changed or taken out can be checked. */
function VerifyButton() {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const verify = useMutation({ mutationFn: () => unwrap(api.GET("/api/v1/audit/verification")) });
  const { data, error } = verify;
  return (
    <>
      <Button
        size="small"
        loading={verify.isPending}
        onClick={() => {
          verify.mutate();
        }}
      >
        {t("audit.verify")}
      </Button>
      {error !== null ? <Alert type="error" showIcon title={words.problem(error)} /> : null}
      {data === undefined ? null : data.intact ? (
        <Alert type="success" showIcon title={t("audit.intact", { rows: words.figure(data.rows, 0) })} />
      ) : (
        <Alert type="error" showIcon title={t("audit.broken", { at: data.broken_at ?? 0 })} />
      )}
    </>
  );
}
