import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import type { TextAreaRef } from "antd/es/input/TextArea";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Agent, Schemas } from "../../live/types";
import { cx } from "../../ui/cx";
import { KeyCap, useKey } from "../../ui/keys";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { TextArea } from "../../ui/input";
import { noteKey, useNote } from "./useNote";
import { WrapUpTime } from "./WrapUpTime";

const MOST_CHARACTERS = 4_000;

/** What a contact came to: offered from its first ring, through wrap-up, and until the next one comes. */
export function NoteCard({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const api = useApi();
  const contact = useLastContact(agent.contact);
  const atWork = agent.contact !== null;
  const form = useQuery({
    queryKey: noteKey(contact ?? ""),
    queryFn: () => unwrap(api.GET("/api/v1/me/contacts/{contact}/note", { params: { path: { contact: contact ?? "" } } })),
    enabled: contact !== null,
    staleTime: Infinity,
  });
  return (
    <section className="panel note-card" aria-label={t("noting.title")}>
      <header className="panel-head">
        <h2>{t("noting.title")}</h2>
        {contact === null || atWork ? null : <span className="quiet">{t("noting.previous")}</span>}
        <span className="grow" />
        {agent.state === "wrap_up" ? <WrapUpTime until={agent.until ?? null} /> : null}
      </header>
      {contact === null ? (
        <EmptyNotice title={t("noting.none")} hint={t("noting.noneHint")} />
      ) : form.error !== null ? (
        <Failure error={form.error} onRetry={() => void form.refetch()} />
      ) : form.data === undefined ? (
        <Loading rows={3} />
      ) : (
        <NoteFields key={contact} form={form.data} atWork={atWork} />
      )}
    </section>
  );
}

/** The contact at hand, or the last one that was. */
function useLastContact(contact: string | null): string | null {
  const [last, setLast] = useState(contact);
  if (contact !== null && contact !== last) {
    setLast(contact);
  }
  return contact ?? last;
}

function NoteFields({ form, atWork }: { readonly form: Schemas["NoteForm"]; readonly atWork: boolean }) {
  const { t } = useTranslation();
  const { draft, dirty, change, save, put } = useNote(form, atWork);
  const field = useRef<TextAreaRef>(null);
  useKey("n", t("noting.focus"), () => field.current?.focus());
  return (
    <div className="note-fields">
      {form.dispositions.length === 0 ? (
        <p className="quiet">{t("noting.noDispositions")}</p>
      ) : (
        <div className="dispositions" role="group" aria-label={t("noting.dispositions")}>
          {form.dispositions.map((each, index) => (
            <DispositionButton
              key={each.id}
              name={each.name}
              digit={index < 9 ? String(index + 1) : null}
              chosen={draft.disposition === each.id}
              onChoose={() => {
                save(change({ disposition: draft.disposition === each.id ? "" : each.id, note: draft.note }));
              }}
            />
          ))}
        </div>
      )}
      <TextArea
        ref={field}
        aria-label={t("noting.note")}
        placeholder={t("noting.noteHint")}
        autoSize={{ minRows: 2, maxRows: 8 }}
        maxLength={MOST_CHARACTERS}
        value={draft.note}
        onChange={(event) => {
          change({ disposition: draft.disposition, note: event.target.value });
        }}
        onBlur={() => {
          save();
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape" || (event.key === "Enter" && event.ctrlKey)) {
            field.current?.blur();
          }
        }}
      />
      <NoteState savedAt={form.saved_at} dirty={dirty} pending={put.isPending} error={put.error} onSave={() => { save(); }} />
    </div>
  );
}

interface StateProps {
  readonly savedAt: string | null;
  readonly dirty: boolean;
  readonly pending: boolean;
  readonly error: Error | null;
  readonly onSave: () => void;
}

function NoteState({ savedAt, dirty, pending, error, onSave }: StateProps) {
  const { t } = useTranslation();
  const words = useWords();
  const failed = error !== null && dirty && !pending;
  const said = pending
    ? t("noting.saving")
    : failed
      ? t("noting.failed", { why: words.problem(error) })
      : dirty
        ? t("noting.unsaved")
        : savedAt === null
          ? ""
          : t("noting.saved", { time: words.time(savedAt) });
  return (
    <p className="note-state">
      <span role="status" className={cx("num", failed ? "bad" : "quiet")}>
        {failed ? `▲ ${said}` : said}
      </span>
      <Button size="small" disabled={!dirty || pending} onClick={onSave} aria-keyshortcuts="Control+Enter">
        {t("noting.save")}
      </Button>
    </p>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly digit: string | null;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function DispositionButton({ name, digit, chosen, onChoose }: ChoiceProps) {
  const { t } = useTranslation();
  useKey(digit ?? "", `${t("noting.dispositions")}: ${name}`, onChoose, digit !== null);
  return (
    <Button size="small" className={cx(chosen && "active")} aria-pressed={chosen} onClick={onChoose} aria-keyshortcuts={digit ?? undefined}>
      {chosen ? "✓ " : ""}
      {name}
      {digit === null ? null : <KeyCap keys={digit} />}
    </Button>
  );
}
