import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Call, Schemas } from "../../live/types";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";

/** The screen pop: who calls, known before the answer (R10.1.b). */
export function CustomerCard({ call }: { readonly call: Call | undefined }) {
  const { t } = useTranslation();
  const api = useApi();
  const pop = useQuery({
    // Once more at each stage: what a bot told last may have come after the first look.
    queryKey: ["pop", call?.contact, call?.stage],
    queryFn: () => unwrap(api.GET("/api/v1/me/pop")),
    enabled: call !== undefined,
    staleTime: Infinity,
    placeholderData: (before) => (before != null && before.contact === call?.contact ? before : undefined),
  });
  return (
    <section className="panel customer-card" aria-label={t("customer.title")}>
      <header className="panel-head">
        <h2>{t("customer.title")}</h2>
      </header>
      {call === undefined || pop.data === null ? (
        <EmptyNotice title={t("customer.none")} hint={t("customer.noneHint")} />
      ) : pop.error !== null ? (
        <Failure error={pop.error} onRetry={() => void pop.refetch()} />
      ) : pop.data === undefined ? (
        <Loading rows={5} />
      ) : (
        <>
          <Conversation turns={pop.data.conversation} />
          <Pop pop={pop.data} />
        </>
      )}
    </section>
  );
}

/** What the customer and a voice bot said before he was handed over. */
function Conversation({ turns }: { readonly turns: Schemas["ScreenPop"]["conversation"] }) {
  const { t } = useTranslation();
  const words = useWords();
  return turns.length === 0 ? null : (
    <div className="pop">
      <h3>{t("customer.conversation")}</h3>
      <ol className="conversation">
        {turns.map((turn, index) => (
          <li key={index} className={turn.speaker} title={words.dateTime(turn.at)}>
            <span className="quiet">{turn.speaker === "bot" ? t("customer.saidBot") : t("customer.saidCaller")}</span> {turn.text}
          </li>
        ))}
      </ol>
    </div>
  );
}

function Pop({ pop }: { readonly pop: Schemas["ScreenPop"] }) {
  const { t } = useTranslation();
  const words = useWords();
  if (!pop.looked_up) {
    return <EmptyNotice title={t("customer.away")} hint={t("customer.awayHint")} />;
  }
  const [customer] = pop.customers;
  return (
    <div className="pop">
      {customer === undefined ? (
        <EmptyNotice title={t("customer.unknown")} hint={t("customer.unknownHint")} />
      ) : (
        <>
          <p className="pop-name">
            {customer.name} <span className="quiet">{customer.name_latin}</span>
          </p>
          <dl className="pairs">
            <Pair label={t("customer.account")} value={customer.account} />
            <Pair label={t("customer.level")} value={words.name("level", customer.level)} />
            <Pair label={t("customer.city")} value={customer.city} />
            <Pair label={t("customer.note")} value={customer.note} />
          </dl>
          {pop.customers.length > 1 ? (
            <p className="quiet">{t("customer.more", { count: pop.customers.length - 1 })}</p>
          ) : null}
        </>
      )}
      <h3>{t("customer.lastContacts")}</h3>
      {pop.last_contacts.length === 0 ? (
        <p className="quiet">{t("customer.noContacts")}</p>
      ) : (
        <ul className="last-contacts num">
          {pop.last_contacts.map((past) => (
            <li key={past.contact}>
              <span>{words.dateTime(past.at)}</span>
              <span className="quiet">{[past.queue, past.agent].filter((word) => word !== null).join(" · ")}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function Pair({ label, value }: { readonly label: string; readonly value: string }) {
  return value === "" ? null : (
    <div>
      <dt className="quiet">{label}</dt>
      <dd className="num">{value}</dd>
    </div>
  );
}
