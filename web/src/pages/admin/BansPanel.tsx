import { useQuery } from "@tanstack/react-query";
import { Button, Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { EmptyNotice, Failure } from "../../ui/notices";
import { REFRESH_MS, useTrunkActions } from "./useTrunkActions";

type Ban = Schemas["BanItem"];
type Fault = "digest" | "stranger" | "malformed" | "scanner";

/** Addresses that are not listened to, and the way back for those who should be. */
export function BansPanel() {
  const { t } = useTranslation();
  const api = useApi();
  const words = useWords();
  const { lift, may } = useTrunkActions();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["bans"],
    queryFn: () => unwrap(api.GET("/api/v1/sip/bans")),
    refetchInterval: REFRESH_MS,
  });
  const columns = useMemo<TableColumnsType<Ban>>(
    () => [
      { title: t("bans.source"), dataIndex: "source", className: "num" },
      { title: t("bans.fault"), dataIndex: "fault", render: (fault: Fault) => t(`bans.faults.${fault}`) },
      { title: t("bans.left"), dataIndex: "left_seconds", className: "num", render: (left: number) => words.clock(left) },
      {
        title: <span className="sr-only">{t("trunks.actions")}</span>,
        key: "lift",
        render: (_value, row) => (
          <Button
            size="small"
            disabled={!may}
            title={may ? undefined : t("notice.noPermission")}
            loading={lift.isPending && lift.variables === row.source}
            onClick={() => {
              lift.mutate(row.source);
            }}
          >
            {t("bans.lift")}
          </Button>
        ),
      },
    ],
    [t, words, lift, may],
  );
  return (
    <section className="panel below">
      <header className="panel-head">
        <h2>{t("bans.title")}</h2>
      </header>
      {error !== null && data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Table<Ban>
          size="small"
          rowKey="source"
          columns={columns}
          dataSource={data?.items ?? []}
          loading={isPending}
          pagination={false}
          locale={{
            emptyText: isPending ? (
              " "
            ) : (
              <EmptyNotice
                title={t("bans.none")}
                hint={t("bans.noneHint", { dropped: words.figure(data.dropped, 0) })}
              />
            ),
          }}
        />
      )}
    </section>
  );
}
