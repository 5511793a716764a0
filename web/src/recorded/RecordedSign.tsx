import { useTranslation } from "react-i18next";
import type { Call } from "../live/types";
import "./recorded.css";

/** Whether what is said now is recorded: by shape and word, not by colour alone. */
export function RecordedSign({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  if (call.recorded === "no") {
    return null;
  }
  return (
    <span className={`recorded ${call.recorded}`} role="status">
      <svg width={12} height={12} viewBox="0 0 12 12" aria-hidden="true" fill="currentColor">
        {call.recorded === "yes" ? <circle cx="6" cy="6" r="5" /> : <path d="M2 1h3v10H2zM7 1h3v10H7z" />}
      </svg>
      {call.recorded === "yes" ? t("recorded.yes") : t("recorded.paused", { who: call.paused_by })}
    </span>
  );
}
