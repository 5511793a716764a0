import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import { useContactEvents } from "./useContactEvents";

/** What agents noted of a contact, as it stands; the story has what was corrected. */
export function ContactNotes({ contact }: { readonly contact: string }) {
  const { t } = useTranslation();
  const words = useWords();
  const events = useContactEvents(contact);
  const last = new Map<string, { readonly at: string; readonly disposition: string; readonly note: string }>();
  for (const { type, at, data } of events.data?.items ?? []) {
    if (type === "ContactNoted") {
      last.set(String(data.agent), { at, disposition: String(data.disposition_name), note: String(data.note) });
    }
  }
  return last.size === 0 ? null : (
    <section aria-label={t("contacts.notes")}>
      <h3>{t("contacts.notes")}</h3>
      <ul className="contact-notes">
        {[...last].map(([agent, { at, disposition, note }]) => (
          <li key={agent}>
            <b>{disposition}</b>{" "}
            <span className="quiet num">
              {agent} · {words.dateTime(at)}
            </span>
            <p className="kept-lines">{note}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
