import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { Failure, Loading } from "../../ui/notices";

/** Who changed a customer's card, when, from what to what; asked for when it is opened. */
export function CustomerHistory({ card }: { readonly card: Schemas["CustomerCard"] }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const [open, setOpen] = useState(false);
  const history = useQuery({
    queryKey: ["customer-history", card.account, card.version],
    queryFn: () => unwrap(api.GET("/api/v1/customers/{account}/history", { params: { path: { account: card.account } } })),
    enabled: open,
  });
  return (
    <details
      className="customer-history"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{t("customer.history")}</summary>
      {!open ? null : history.error !== null ? (
        <Failure error={history.error} onRetry={() => void history.refetch()} />
      ) : history.data === undefined ? (
        <Loading rows={2} />
      ) : history.data.items.length === 0 ? (
        <p className="quiet">{t("customer.noHistory")}</p>
      ) : (
        <ol>
          {history.data.items.map((change) => (
            <li key={change.at}>
              <span className="quiet num">{words.dateTime(change.at)}</span> <b>{change.by}</b>{" "}
              {change.before === null ? t("customer.entered") : <Differences before={change.before} after={change.after} />}
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}

type Fields = Readonly<Record<string, string>>;

function Differences({ before, after }: { readonly before: Fields; readonly after: Fields }) {
  const changed = Object.keys(after).filter((name) => before[name] !== after[name]);
  return (
    <>
      {changed.map((name) => (
        <span key={name} className="difference">
          <del>{before[name]}</del> <ins>{after[name]}</ins>
        </span>
      ))}
    </>
  );
}
