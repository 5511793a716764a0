import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";

/** What else is known of who calls: promises to him, and his way through the flows. Nothing where there is nothing. */
export function PopMore({ pop }: { readonly pop: Schemas["ScreenPop"] }) {
  return (
    <>
      <CallBacks rows={pop.call_backs} />
      <FlowPath steps={pop.path} />
    </>
  );
}

function CallBacks({ rows }: { readonly rows: Schemas["ScreenPop"]["call_backs"] }) {
  const { t } = useTranslation();
  const words = useWords();
  return rows.length === 0 ? null : (
    <div className="pop">
      <h3>{t("customer.callBacks")}</h3>
      <ul className="last-contacts num" aria-label={t("customer.callBacks")}>
        {rows.map((row) => (
          <li key={row.id}>
            <span>{words.dateTime(row.not_before)}</span>
            <span className="quiet">{[row.queue, t("customer.attempts", { attempts: row.attempts })].join(" · ")}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function FlowPath({ steps }: { readonly steps: Schemas["ScreenPop"]["path"] }) {
  const { t } = useTranslation();
  const words = useWords();
  return steps.length === 0 ? null : (
    <div className="pop">
      <h3>{t("customer.path")}</h3>
      <ol className="flow-path num" aria-label={t("customer.path")}>
        {steps.map((step, index) => (
          <li key={index} title={`${words.time(step.at)} ${step.flow} ${step.kind}`}>
            <span className="quiet">{step.node}</span> {step.entered === "" ? null : <b>{step.entered}</b>}
            {step.hidden === 0 ? null : <span>{t("customer.hidden", { digits: step.hidden })}</span>}
            {step.found == null ? null : <span className={step.found ? "good" : "warn"}>{t(step.found ? "customer.found" : "customer.notFound")}</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}
