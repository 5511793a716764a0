import { Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import type { Call, Schemas } from "../../live/types";
import { KeyCap, useKey } from "../../ui/keys";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { usePop } from "./usePop";

/** Loaded with the first call, or when somebody corrects a card or looks who did. */
const CustomerForm = lazy(async () => ({ default: (await import("./CustomerForm")).CustomerForm }));
const PopMore = lazy(async () => ({ default: (await import("./PopMore")).PopMore }));
const CustomerHistory = lazy(async () => ({ default: (await import("./CustomerHistory")).CustomerHistory }));

/** The screen pop: who calls, known before the answer (R10.1.b). */
export function CustomerCard({ call }: { readonly call: Call | undefined }) {
  const { t } = useTranslation();
  const pop = usePop(call);
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
          <Suspense fallback={<Loading rows={5} />}>
            <Pop pop={pop.data} />
            <PopMore pop={pop.data} />
          </Suspense>
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
  return (
    <>
    <Customers key={pop.contact} pop={pop} />
    <div className="pop">
      <h3>{t("customer.lastContacts")}</h3>
      {pop.last_contacts.length === 0 ? (
        <p className="quiet">{t("customer.noContacts")}</p>
      ) : (
        <ul className="last-contacts num">
          {pop.last_contacts.map((past) => (
            <li key={past.contact}>
              <span>{words.dateTime(past.at)}</span>
              <span className="quiet">{[past.queue, past.agent].filter((word) => word !== null).join(" · ")}</span>
              {past.notes.map((note) => (
                <p key={note.agent} className="kept-lines">
                  {note.disposition_name === "" ? null : <b>{note.disposition_name} </b>}
                  {note.note}
                </p>
              ))}
            </li>
          ))}
        </ul>
      )}
    </div>
    </>
  );
}

/** Who it is: one of those with this number, corrected or entered here. */
function Customers({ pop }: { readonly pop: Schemas["ScreenPop"] }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<string | null>(null);
  const [editing, setEditing] = useState<"no" | "this" | "new">("no");
  const card = pop.customers.find((each) => each.account === chosen) ?? pop.customers[0] ?? null;
  useKey("u", t(card === null ? "customer.enter" : "customer.edit"), () => {
    setEditing(card === null ? "new" : "this");
  }, editing === "no");
  if (editing !== "no") {
    return (
      <CustomerForm
        card={editing === "this" ? card : null}
        number={pop.caller}
        onDone={(account) => {
          setChosen(account ?? chosen);
          setEditing("no");
        }}
      />
    );
  }
  return (
    <div className="pop">
      {card === null ? (
        <EmptyNotice title={t("customer.unknown")} hint={t("customer.unknownHint")} />
      ) : (
        <>
          {pop.customers.length > 1 ? (
            <div className="customer-choice" role="group" aria-label={t("customer.several")}>
              <span className="quiet">{t("customer.several")}</span>
              {pop.customers.map((each) => (
                <Button
                  key={each.account}
                  size="small"
                  aria-pressed={each.account === card.account}
                  onClick={() => {
                    setChosen(each.account);
                  }}
                >
                  {each.account === card.account ? "✓ " : ""}
                  {each.name}
                </Button>
              ))}
            </div>
          ) : null}
          <Card card={card} />
        </>
      )}
      <CrmLinks links={pop.links.filter((link) => link.account === "" || link.account === card?.account)} />
      <p className="customer-form-acts">
        {card === null ? null : (
          <Button size="small" onClick={() => { setEditing("this"); }} aria-keyshortcuts="u">
            {t("customer.edit")}
            <KeyCap keys="u" />
          </Button>
        )}
        <Button size="small" onClick={() => { setEditing("new"); }} aria-keyshortcuts={card === null ? "u" : undefined}>
          {t("customer.enter")}
          {card === null ? <KeyCap keys="u" /> : null}
        </Button>
      </p>
      {card === null ? null : (
        <Suspense>
          <CustomerHistory key={card.account} card={card} />
        </Suspense>
      )}
    </div>
  );
}

/** Into the operator's own CRM; the first by a key. */
function CrmLinks({ links }: { readonly links: Schemas["ScreenPop"]["links"] }) {
  const { t } = useTranslation();
  const [first] = links;
  useKey("l", t("customer.openCrm"), () => window.open(first?.url, "_blank", "noopener,noreferrer"), first !== undefined);
  return links.length === 0 ? null : (
    <p className="customer-form-acts">
      {links.map((link) => (
        <Button key={link.name} size="small" href={link.url} target="_blank" rel="noopener noreferrer" aria-keyshortcuts={link === first ? "l" : undefined}>
          {link.name} ↗{link === first ? <KeyCap keys="l" /> : null}
        </Button>
      ))}
    </p>
  );
}

function Card({ card }: { readonly card: Schemas["CustomerCard"] }) {
  const { t } = useTranslation();
  const words = useWords();
  return (
    <>
      <p className="pop-name">
        {card.name} <span className="quiet">{card.name_latin}</span>
      </p>
      <dl className="pairs">
        <Pair label={t("customer.account")} value={card.account} />
        <Pair label={t("customer.level")} value={words.name("level", card.level)} />
        <Pair label={t("customer.city")} value={card.city} />
        <Pair label={t("customer.note")} value={card.note} />
      </dl>
    </>
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
