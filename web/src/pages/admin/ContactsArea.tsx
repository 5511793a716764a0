import { Button, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes, useNavigate, useSearchParams } from "react-router";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { usePages } from "../../api/usePages";
import { useWords } from "../../i18n/useWords";
import { useLive } from "../../live/context";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { usePageTitle } from "../../ui/usePageTitle";
import { ContactDrawer } from "./ContactDrawer";
import { ContactFilters, filtersOf } from "./ContactFilters";
import { PagedTable } from "./PagedTable";

type Contact = Schemas["Contact"];

/** The server counts no further. */
const MOST_COUNTED = 10_000;

export function ContactsArea() {
  const { t } = useTranslation();
  const api = useApi();
  const navigate = useNavigate();
  // What is looked for stands in the address: it can be sent to somebody, and a figure can lead to its contacts.
  const [address, setAddress] = useSearchParams();
  const filters = filtersOf(address);
  const search = address.size === 0 ? "" : `?${address.toString()}`;
  usePageTitle(t("admin.contacts"));
  const pages = usePages(["contacts", filters], (from) =>
    unwrap(api.GET("/api/v1/contacts", { params: { query: { ...filters, limit: 50, ...from } } })),
  );
  const columns = useColumns();
  const total = pages.data?.pages[0]?.total ?? null;
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.contacts")}</h2>
        {total === null ? null : <span className="count">{total > MOST_COUNTED ? `> ${MOST_COUNTED.toLocaleString()}` : total}</span>}
        <span className="grow" />
        <Button size="small" loading={pages.isFetching && !pages.isPending} onClick={() => void pages.refetch()}>
          {t("admin.refresh")}
        </Button>
      </header>
      <ContactFilters
        filters={filters}
        onChange={(wanted) => {
          setAddress({ ...wanted }, { replace: true });
        }}
      />
      <PagedTable<Contact>
        pages={pages}
        columns={columns}
        empty={t("contacts.none")}
        emptyHint={t("contacts.noneHint")}
        onOpen={(row) => void navigate(`/admin/contacts/${row.id}${search}`)}
      />
      <Routes>
        <Route path=":contact" element={<ContactDrawer onClose={() => void navigate(`/admin/contacts${search}`)} />} />
      </Routes>
    </section>
  );
}

function useColumns(): TableColumnsType<Contact> {
  const { t } = useTranslation();
  const words = useWords();
  const queues = useLive((state) => state.view.rows.queues);
  const agents = useLive((state) => state.view.rows.agents);
  return useMemo(() => {
    const seconds = (value: number | null) => (value === null ? NOTHING : words.clock(value));
    return [
      { title: t("contacts.started"), dataIndex: "started_at", className: "num", render: (at: string) => words.dateTime(at) },
      { title: t("calls.caller"), dataIndex: "caller", className: "num", render: (caller: string | null | undefined) => caller ?? NOTHING },
      { title: t("calls.dialled"), dataIndex: "dialled", className: "num" },
      {
        title: t("contacts.outcome"),
        dataIndex: "outcome",
        render: (outcome: Contact["outcome"]) => <Outcome outcome={outcome} />,
      },
      {
        title: t("queues.queue"),
        dataIndex: "queue",
        render: (queue: string | null) => (queue === null ? NOTHING : (queues.get(queue)?.name ?? queue)),
      },
      {
        title: t("contacts.agent"),
        dataIndex: "agent",
        className: "num",
        render: (agent: string | null) => (agent === null ? NOTHING : `${agent} ${agents.get(agent)?.name ?? ""}`),
      },
      { title: t("agents.seat"), dataIndex: "seat", className: "num", render: (seat: string | null) => seat ?? NOTHING },
      { title: t("contacts.waited"), dataIndex: "queue_seconds", align: "right", className: "num", render: seconds },
      { title: t("contacts.talked"), dataIndex: "talk_seconds", align: "right", className: "num", render: seconds },
      { title: t("contacts.total"), dataIndex: "total_seconds", align: "right", className: "num", render: seconds },
    ];
  }, [t, words, queues, agents]);
}

const LOST = new Set(["abandoned_queue", "abandoned_before_answer", "refused", "failed"]);

export function Outcome({ outcome }: { readonly outcome: Contact["outcome"] }) {
  const { t } = useTranslation();
  if (outcome === null) {
    return <span style={{ color: "var(--talking)" }}>◆ {t("contacts.goesOn")}</span>;
  }
  return LOST.has(outcome) ? (
    <span className="warn">▲ {t(`outcome.${outcome}`)}</span>
  ) : (
    <span>{t(`outcome.${outcome}`)}</span>
  );
}
