import { useTranslation } from "react-i18next";
import { useLanguage } from "../../../i18n/useWords";
import { explain } from "./explain";
import type { Rung } from "./ladder";

/** A message explained, and as it was on the wire. */
export function MessageWords({ rung }: { readonly rung: Pick<Rung, "sip" | "repeats" | "waited" | "message"> }) {
  const { t } = useTranslation();
  const { sentences, headers } = explain(rung, useLanguage());
  return (
    <div className="message-words">
      <p>{sentences.join(" ")}</p>
      {headers.length === 0 ? null : (
        <dl>
          {headers.map(({ name, remark }, index) => (
            <div key={index}>
              <dt className="num">{name}</dt>
              <dd>{remark}</dd>
            </div>
          ))}
        </dl>
      )}
      <pre className="raw" aria-label={t("signalling.raw")}>
        {rung.message.text}
      </pre>
    </div>
  );
}
