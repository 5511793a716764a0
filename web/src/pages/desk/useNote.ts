import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import type { Schemas } from "../../live/types";
import { draftOf, forgetDraft, keepDraft, readDraft, same, type Draft } from "./noteDraft";

export const noteKey = (contact: string) => ["note", contact] as const;

/**
 * The note of one contact: a choice is saved at once, text when its field is left, and what is not saved yet when the
 * work on the contact ends or its form goes away. What the server has not got survives a reload.
 */
export function useNote(form: Schemas["NoteForm"], atWork: boolean) {
  const api = useApi();
  const queries = useQueryClient();
  const { contact } = form;
  const [draft, setDraft] = useState<Draft>(() => readDraft(sessionStorage, contact) ?? draftOf(form.disposition, form.note));
  const dirty = !same(draft, form);
  const put = useMutation({
    mutationFn: (what: Draft) => unwrap(api.PUT("/api/v1/me/contacts/{contact}/note", { params: { path: { contact } }, body: what })),
    onSuccess: ({ saved_at }, what) => {
      if (readDraft(sessionStorage, contact)?.key === what.key) {
        forgetDraft(sessionStorage, contact);
      }
      queries.setQueryData(noteKey(contact), (before: Schemas["NoteForm"] | undefined) =>
        before === undefined ? before : { ...before, disposition: what.disposition, note: what.note, saved_at },
      );
    },
  });
  const { mutate } = put;
  const change = (next: Pick<Draft, "disposition" | "note">) => {
    const wanted = draftOf(next.disposition, next.note);
    setDraft(wanted);
    keepDraft(sessionStorage, contact, wanted);
    return wanted;
  };
  const save = (what: Draft = draft) => {
    if (!same(what, form)) {
      mutate(what);
    }
  };
  const unsaved = useRef<Draft | null>(null);
  useEffect(() => {
    unsaved.current = dirty ? draft : null;
  });
  useEffect(() => {
    const saveRest = () => {
      if (unsaved.current !== null) {
        mutate(unsaved.current);
      }
    };
    if (!atWork) {
      saveRest();
    }
    return saveRest;
  }, [atWork, mutate]);
  return { draft, dirty, change, save, put };
}
