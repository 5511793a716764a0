import { useQuery } from "@tanstack/react-query";
import { Button, Popconfirm, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { EmptyNotice, Failure } from "../../ui/notices";
import { usePageTitle } from "../../ui/usePageTitle";
import { WideTable } from "../../ui/WideTable";
import { AccessPanel } from "./AccessPanel";
import { BansPanel } from "./BansPanel";
import { ClockPanel } from "./ClockPanel";
import { SpansPanel } from "./SpansPanel";
import { NewTrunk, TrunkEditor } from "./settings/TrunkEditor";
import { ACTIONS, REFRESH_MS, useTrunkActions, type TrunkAction } from "./useTrunkActions";

type Trunk = Schemas["TrunkItem"];

/** Trunks as they are now, and what a maintainer does to them (R10.4.a). */
export function TrunksArea() {
  const { t } = useTranslation();
  const api = useApi();
  usePageTitle(t("admin.trunks"));
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["trunks"],
    queryFn: () => unwrap(api.GET("/api/v1/trunks")),
    refetchInterval: REFRESH_MS,
  });
  const columns = useColumns();
  return (
    <>
      <section className="panel">
        <header className="panel-head">
          <h2>{t("trunks.title")}</h2>
          <span className="grow" />
          <NewTrunk />
        </header>
        {error !== null && data === undefined ? (
          <Failure error={error} onRetry={() => void refetch()} />
        ) : (
          <WideTable<Trunk>
            size="small"
            rowKey="id"
            columns={columns}
            dataSource={data?.items ?? []}
            loading={isPending}
            pagination={false}
            onRow={(row) => ({ "data-trunk": row.id }) as React.HTMLAttributes<HTMLElement>}
            locale={{
              emptyText: isPending ? " " : <EmptyNotice title={t("trunks.none")} hint={t("trunks.noneHint")} />,
            }}
          />
        )}
      </section>
      <SpansPanel />
      <ClockPanel />
      <BansPanel />
      <AccessPanel />
      <TrunkEditor />
    </>
  );
}

function useColumns(): TableColumnsType<Trunk> {
  const { t } = useTranslation();
  const words = useWords();
  return useMemo(
    () => [
      {
        title: t("trunks.trunk"),
        dataIndex: "id",
        className: "num",
        render: (id: string) => <Link to={`/admin/trunks/of/${encodeURIComponent(id)}`}>{id}</Link>,
      },
      {
        title: t("trunks.state"),
        dataIndex: "state",
        render: (state: Trunk["state"]) => (
          <b className={state === "active" ? "good" : "warn"}>
            {state === "active" ? "●" : "■"} {t(`trunks.states.${state}`)}
          </b>
        ),
      },
      { title: t("trunks.servers"), key: "servers", render: (_value, row) => <Servers trunk={row} /> },
      { title: t("trunks.registration"), key: "registration", render: (_value, row) => <Registered trunk={row} /> },
      {
        title: t("trunks.channels"),
        key: "channels",
        className: "num",
        render: (_value, row) => (
          <>
            {row.in_use ?? 0} / {row.capacity}{" "}
            <span className="quiet">
              {t("trunks.in", { count: row.incoming ?? 0 })}, {t("trunks.out", { count: row.outgoing ?? 0 })}
            </span>
            {row.traffic == null ? null : (
              <div className="quiet" title={t("trunks.trafficHint")}>
                {t("trunks.traffic", {
                  carried: words.figure(row.traffic.carried_erlang, 2),
                  offered: words.figure(row.traffic.offered_erlang, 2),
                })}{" "}
                {t(row.traffic.load_class === "busy" ? "trunks.busy" : "trunks.idle")}
              </div>
            )}
          </>
        ),
      },
      { title: t("trunks.actions"), key: "actions", render: (_value, row) => <Actions trunk={row} /> },
    ],
    [t, words],
  );
}

function Servers({ trunk }: { readonly trunk: Trunk }) {
  const { t } = useTranslation();
  const words = useWords();
  if (trunk.host === null) {
    return <span className="quiet">{t("trunks.noServers")}</span>;
  }
  if (trunk.targets == null) {
    return <span className="quiet">{t("trunks.unknown")}</span>;
  }
  return (
    <>
      {trunk.unresolved != null && trunk.unresolved !== "" ? (
        <div className="bad" title={trunk.unresolved}>
          ▲ {t("trunks.unresolved")}: {trunk.host}
        </div>
      ) : null}
      {trunk.targets.map((server) => (
        <div key={`${server.transport} ${server.address}`} className="num">
          {server.transport} {server.address}{" "}
          <span className={server.state === "down" ? "bad" : server.state === "up" ? "good" : "quiet"}>
            {server.state === "down" ? "▲ " : ""}
            {t(`trunks.server.${server.state}`)}
          </span>{" "}
          {server.state === "up" && server.round_trip_seconds !== null ? (
            <span className="quiet">
              {t("trunks.roundTrip", { ms: words.figure(server.round_trip_seconds * 1000, 0) })}
            </span>
          ) : null}
        </div>
      ))}
    </>
  );
}

function Registered({ trunk }: { readonly trunk: Trunk }) {
  const { t } = useTranslation();
  const now = trunk.registered;
  if (now == null) {
    return NOTHING;
  }
  const state = now.state as "registered" | "lost" | "trying" | "off";
  return (
    <span className={state === "lost" ? "bad" : state === "registered" ? "good" : "quiet"} title={now.reason}>
      {state === "lost" ? "▲ " : ""}
      {t(`trunks.registered.${state}`)}{" "}
      {now.expires_seconds === null ? now.reason : t("trunks.expires", { seconds: Math.round(now.expires_seconds) })}
    </span>
  );
}

function Actions({ trunk }: { readonly trunk: Trunk }) {
  const { t } = useTranslation();
  const { operate, may } = useTrunkActions();
  const running = operate.isPending && operate.variables.trunk === trunk.id ? operate.variables.action : undefined;
  const button = (action: TrunkAction, onClick?: () => void) => (
    <Button
      key={action}
      size="small"
      disabled={!may}
      title={may ? undefined : t("notice.noPermission")}
      loading={running === action}
      {...(onClick === undefined ? {} : { onClick })}
    >
      {t(`trunks.do.${action}`)}
    </Button>
  );
  return (
    <span className="row-actions">
      {ACTIONS.filter((action) => action !== STATE_OF[trunk.state]).map((action) => {
        const run = () => {
          operate.mutate({ trunk: trunk.id, action });
        };
        return action === "isolate" || action === "reset" ? (
          <Popconfirm
            key={action}
            title={t(`trunks.sure.${action}`, { trunk: trunk.id })}
            okText={t("notice.yes")}
            cancelText={t("notice.no")}
            disabled={!may}
            onConfirm={run}
          >
            {button(action)}
          </Popconfirm>
        ) : (
          button(action, run)
        );
      })}
    </span>
  );
}

const STATE_OF = { active: "activate", blocked: "block", isolated: "isolate" } as const;
