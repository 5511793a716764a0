import { useQuery } from "@tanstack/react-query";
import { Button, Popconfirm, Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import type { Schemas } from "../../live/types";
import { EmptyNotice, Failure } from "../../ui/notices";
import { REFRESH_MS, useTrunkActions } from "./useTrunkActions";

type Port = Schemas["PortItem"];
type Seat = Schemas["SeatItem"];

/** Listeners and registrations, which a maintainer can begin anew (R10.4.a). */
export function AccessPanel() {
  const { t } = useTranslation();
  const api = useApi();
  const { resetPort, resetSeat, may } = useTrunkActions();
  const ports = useQuery({
    queryKey: ["ports"],
    queryFn: () => unwrap(api.GET("/api/v1/sip/ports")),
    refetchInterval: REFRESH_MS,
  });
  const seats = useQuery({
    queryKey: ["seats"],
    queryFn: () => unwrap(api.GET("/api/v1/seats")),
    refetchInterval: REFRESH_MS,
  });
  const portColumns = useMemo<TableColumnsType<Port>>(
    () => [
      { title: t("access.transport"), dataIndex: "transport" },
      { title: t("access.port"), dataIndex: "port", className: "num" },
      {
        title: <span className="sr-only">{t("trunks.actions")}</span>,
        key: "reset",
        render: (_value, { transport }) => (
          <Reset
            may={may}
            sure={t("access.surePort", { transport })}
            running={resetPort.isPending && resetPort.variables === transport}
            onReset={() => {
              resetPort.mutate(transport);
            }}
          />
        ),
      },
    ],
    [t, may, resetPort],
  );
  const seatColumns = useMemo<TableColumnsType<Seat>>(
    () => [
      { title: t("agents.seat"), dataIndex: "id", className: "num" },
      { title: t("access.user"), dataIndex: "sip_user", className: "num" },
      {
        title: t("access.phones"),
        key: "phones",
        className: "num",
        render: (_value, { contacts }) =>
          contacts.length === 0 ? (
            <span className="quiet">{t("seats.noPhone")}</span>
          ) : (
            contacts.map((contact) => (
              <div key={contact.contact}>
                {contact.transport} {contact.host}:{contact.port} <span className="quiet">{contact.user_agent}</span>
              </div>
            ))
          ),
      },
      {
        title: <span className="sr-only">{t("trunks.actions")}</span>,
        key: "reset",
        render: (_value, { id, registered }) => (
          <Reset
            may={may && registered}
            sure={t("access.sureSeat", { seat: id })}
            running={resetSeat.isPending && resetSeat.variables === id}
            onReset={() => {
              resetSeat.mutate(id);
            }}
          />
        ),
      },
    ],
    [t, may, resetSeat],
  );
  return (
    <>
      <Panel title={t("access.ports")} query={ports} columns={portColumns} rowKey="transport" />
      <Panel title={t("access.registrations")} query={seats} columns={seatColumns} rowKey="id" />
    </>
  );
}

interface PanelProps<Row> {
  readonly title: string;
  readonly columns: TableColumnsType<Row>;
  readonly rowKey: keyof Row & string;
  readonly query: {
    readonly data: { readonly items: readonly Row[] } | undefined;
    readonly error: Error | null;
    readonly isPending: boolean;
    readonly refetch: () => unknown;
  };
}

function Panel<Row extends object>({ title, columns, rowKey, query }: PanelProps<Row>) {
  const { t } = useTranslation();
  return (
    <section className="panel below">
      <header className="panel-head">
        <h2>{title}</h2>
      </header>
      {query.error !== null && query.data === undefined ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Table<Row>
          size="small"
          rowKey={rowKey}
          columns={columns}
          dataSource={[...(query.data?.items ?? [])]}
          loading={query.isPending}
          pagination={false}
          onRow={(row) => ({ "data-reset": String(row[rowKey]) }) as React.HTMLAttributes<HTMLElement>}
          locale={{ emptyText: query.isPending ? " " : <EmptyNotice title={t("seats.none")} hint={t("seats.noneHint")} /> }}
        />
      )}
    </section>
  );
}

interface ResetProps {
  readonly may: boolean;
  readonly sure: string;
  readonly running: boolean;
  readonly onReset: () => void;
}

function Reset({ may, sure, running, onReset }: ResetProps) {
  const { t } = useTranslation();
  return (
    <Popconfirm title={sure} okText={t("notice.yes")} cancelText={t("notice.no")} disabled={!may} onConfirm={onReset}>
      <Button size="small" disabled={!may} title={may ? undefined : t("access.mayNot")} loading={running}>
        {t("trunks.do.reset")}
      </Button>
    </Popconfirm>
  );
}
