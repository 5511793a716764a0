import { useQuery } from "@tanstack/react-query";
import { Drawer, Tabs } from "antd";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useApi, useMe } from "../../api/context";
import { unwrap } from "../../api/problem";
import { hasRole } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { NOTHING } from "../../ui/format";
import { Failure, Loading } from "../../ui/notices";
import { ContactNotes } from "./ContactNotes";
import { Outcome } from "./ContactsArea";
import { Recordings } from "./recordings/Recordings";
import { ContactTrace } from "./signalling/ContactTrace";
import { Story } from "./Story";

/** A contact's whole story: figures, recording, what happened, and its SIP messages. */
export function ContactDrawer({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const api = useApi();
  const { contact = "" } = useParams();
  const path = { params: { path: { contact } } };
  const row = useQuery({
    queryKey: ["contact", contact],
    queryFn: () => unwrap(api.GET("/api/v1/contacts/{contact}", path)),
  });
  return (
    <Drawer open onClose={onClose} size={760} title={t("contacts.one")} className="contact-drawer">
      {row.error !== null ? (
        <Failure error={row.error} onRetry={() => void row.refetch()} />
      ) : row.data === undefined ? (
        <Loading rows={6} />
      ) : (
        <>
          <Summary row={row.data} />
          <ContactNotes contact={contact} />
          {hasRole(me, "supervisor", "auditor", "admin") ? <Recordings contact={contact} /> : null}
          <Tabs
            items={[
              { key: "story", label: t("contacts.story"), children: <Story contact={contact} begin={row.data.started_at} /> },
              { key: "flow", label: t("contacts.flowSteps"), children: <Story contact={contact} begin={row.data.started_at} only="flow" /> },
              ...(hasRole(me, "supervisor", "maintainer", "auditor", "admin")
                ? [{ key: "trace", label: t("contacts.trace"), children: <ContactTrace contact={contact} begin={row.data.started_at} /> }]
                : []),
            ]}
          />
        </>
      )}
    </Drawer>
  );
}

function Summary({ row }: { readonly row: Schemas["Contact"] }) {
  const { t } = useTranslation();
  const words = useWords();
  const seconds = (value: number | null) => (value === null ? NOTHING : words.clock(value));
  const parts: readonly [string, React.ReactNode][] = [
    [t("contacts.started"), words.dateTime(row.started_at)],
    [t("calls.caller"), row.caller ?? NOTHING],
    [t("calls.dialled"), row.dialled],
    [t("contacts.outcome"), <Outcome key="outcome" outcome={row.outcome} />],
    [t("queues.queue"), row.queue ?? NOTHING],
    [t("contacts.agent"), [row.agent, row.seat].filter((word) => word !== null).join(" · ") || NOTHING],
    [t("contacts.waited"), seconds(row.queue_seconds)],
    [t("contacts.talked"), seconds(row.talk_seconds)],
    [t("contacts.held"), seconds(row.hold_seconds)],
    [t("contacts.total"), seconds(row.total_seconds)],
    [t("contacts.cause"), row.cause === null ? NOTHING : words.name("cause", row.cause)],
    [t("contacts.trunk"), row.trunk ?? row.from_seat ?? NOTHING],
  ];
  return (
    <>
      <dl className="summary num">
        {parts.map(([label, value]) => (
          <div key={label}>
            <dt className="quiet">{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="quiet num contact-id">{row.id}</p>
    </>
  );
}
