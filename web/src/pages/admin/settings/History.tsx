import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { Cell } from "./Cell";
import type { Item, KindPage } from "./kind";
import { useSettings, type Change } from "./useSettings";

/** Who changed an item, when, from what to what. */
export function History({ kind, id }: { readonly kind: KindPage; readonly id: string }) {
  const { t } = useTranslation();
  const settings = useSettings();
  const { data, error, refetch } = useQuery({
    queryKey: ["history", kind.path, id],
    queryFn: () => settings.history(kind.path, id),
    staleTime: 0,
  });
  if (error !== null) {
    return <Failure error={error} onRetry={() => void refetch()} />;
  }
  if (data === undefined) {
    return <Loading rows={4} />;
  }
  if (data.items.length === 0) {
    return <EmptyNotice title={t("settings.noHistory")} hint={t("settings.noHistoryHint")} />;
  }
  return (
    <ol className="setting-history">
      {data.items.map((change) => (
        <li key={change.at}>
          <Entry kind={kind} change={change} />
        </li>
      ))}
    </ol>
  );
}

function Entry({ kind, change }: { readonly kind: KindPage; readonly change: Change }) {
  const { t } = useTranslation();
  const words = useWords();
  const what = change.before === null ? (change.after === null ? "large" : "added") : change.after === null ? "removed" : "changed";
  return (
    <>
      <p>
        <span className="num quiet">{words.dateTime(change.at)}</span> <b>{change.by}</b> {t(`settings.did.${what}`)}
      </p>
      <dl>
        {differences(change.before ?? {}, change.after ?? {}).map((name) => (
          <div key={name}>
            <dt className="quiet">{words.name("settingField", name)}</dt>
            <dd>
              {change.before === null ? null : (
                <del>
                  <Cell kind={kind} name={name} value={change.before[name]} />
                </del>
              )}
              {change.after === null ? null : (
                <ins>
                  <Cell kind={kind} name={name} value={change.after[name]} />
                </ins>
              )}
            </dd>
          </div>
        ))}
        {change.secrets.map((name) => (
          <div key={name}>
            <dt className="quiet">{words.name("settingField", name)}</dt>
            <dd>{t("settings.secretSet")}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function differences(before: Item, after: Item): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
