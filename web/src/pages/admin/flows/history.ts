/** What was done to a document, to be undone and done again. Letters typed into one field are one step. */
export interface Steps<Document> {
  readonly past: readonly Document[];
  readonly now: Document;
  readonly future: readonly Document[];
  /** What was changed last; the next change of the same joins it. */
  readonly last: string | null;
}

const MOST = 200;

export function begin<Document>(now: Document): Steps<Document> {
  return { past: [], now, future: [], last: null };
}

/** `what` names the field that is typed into; without it the change is a step of its own. */
export function did<Document>(steps: Steps<Document>, now: Document, what: string | null = null): Steps<Document> {
  if (now === steps.now) {
    return steps;
  }
  const joins = what !== null && what === steps.last;
  return { past: joins ? steps.past : [...steps.past, steps.now].slice(-MOST), now, future: [], last: what };
}

export function undone<Document>(steps: Steps<Document>): Steps<Document> {
  const before = steps.past.at(-1);
  return before === undefined
    ? steps
    : { past: steps.past.slice(0, -1), now: before, future: [steps.now, ...steps.future], last: null };
}

export function redone<Document>(steps: Steps<Document>): Steps<Document> {
  const [next, ...future] = steps.future;
  return next === undefined ? steps : { past: [...steps.past, steps.now], now: next, future, last: null };
}
