/** A simulated session as this page keeps it: where it begins, and the list of what was done in it. */
import type { Schemas } from "../../../../live/types";

export type Wanted = Schemas["WantedSession"];
export type Act = NonNullable<Wanted["steps"]>[number];
export type State = Schemas["SessionState"];
export type Happening = Schemas["HappeningItem"];
export type FlowDocument = Readonly<Record<string, unknown>>;

/** What a query gives in the simulation: as its data source (live), or one of the stubs. */
export interface QueryStub {
  readonly gives: "source" | "row" | "none" | "failure";
  readonly row: Readonly<Record<string, string>>;
}
export type Hours = "own" | "open" | "closed";

/** What a sub-flow does in the simulation: as it is published, or what stands in for it. */
export interface FlowStub {
  readonly runs: "published" | "results" | "gone";
  readonly results: Readonly<Record<string, string>>;
}

/** What a session finds outside of its flow. */
export interface Setting {
  readonly caller: string;
  readonly dialled: string;
  readonly language: string;
  /** `2026-01-05T10:00`, local to this page; '': now. */
  readonly at: string;
  readonly queries: Readonly<Record<string, QueryStub>>;
  readonly calendars: Readonly<Record<string, Hours>>;
  readonly subFlows: Readonly<Record<string, FlowStub>>;
  readonly recogniser: boolean;
  readonly bots: boolean;
}

export const FRESH: Setting = {
  caller: "13800000001",
  dialled: "",
  language: "",
  at: "",
  queries: {},
  calendars: {},
  subFlows: {},
  recogniser: true,
  bots: true,
};
export const NO_ROW: QueryStub = { gives: "none", row: {} };
export const AS_PUBLISHED: FlowStub = { runs: "published", results: {} };

const ALWAYS = [{ from: "00:00:00", to: "23:59:59.999999" }];
/** Most acts of a session; the server says so, too. */
export const MOST_ACTS = 500;

/** What a flow needs of what is around it. */
export interface Needs {
  /** With the columns that it takes. */
  readonly queries: Readonly<Record<string, readonly string[]>>;
  readonly calendars: readonly string[];
  /** With the results that it takes. */
  readonly subFlows: Readonly<Record<string, readonly string[]>>;
  readonly bots: boolean;
}

export function needsOf(document: FlowDocument): Needs {
  const queries: Record<string, readonly string[]> = {};
  const subFlows: Record<string, readonly string[]> = {};
  const calendars = new Set<string>();
  let bots = false;
  for (const node of Object.values(treeOf(document.nodes)).map(treeOf)) {
    const taken = Object.values(treeOf(node.results)).map(String);
    if (node.kind === "query" && typeof node.query === "string") {
      queries[node.query] = [...new Set([...(queries[node.query] ?? []), ...taken])];
    } else if (node.kind === "sub_flow" && typeof node.flow === "string") {
      subFlows[node.flow] = [...new Set([...(subFlows[node.flow] ?? []), ...taken])];
    } else if (node.kind === "hours" && typeof node.calendar === "string") {
      calendars.add(node.calendar);
    }
    bots ||= node.kind === "bot";
  }
  return { queries, calendars: [...calendars].sort(), subFlows, bots };
}

export function treeOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The request of a session with these acts; `known` is what the server said of it last. */
export function wantedOf(document: FlowDocument, setting: Setting, acts: readonly Act[], known: State | null): Wanted {
  const queries = Object.entries(setting.queries).filter(([, stub]) => stub.gives !== "source");
  const hours = Object.entries(setting.calendars).filter(([, hours]) => hours !== "own");
  const given = { caller: setting.caller, dialled: setting.dialled, language: setting.language };
  return {
    document,
    version: "draft",
    given: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "")),
    at: known?.at ?? (setting.at === "" ? null : new Date(setting.at).toISOString()),
    live: Object.values(setting.queries).some(({ gives }) => gives === "source"),
    queries: Object.fromEntries(
      queries.map(([name, { gives, row }]) => [
        name,
        [{ row: gives === "row" ? { ...row } : null, fails: gives === "failure", takes: 0 }],
      ]),
    ),
    calendars: Object.fromEntries(hours.map(([name, hours]) => [name, hours === "open" ? [...ALWAYS] : []])) as never,
    sub_flows: Object.fromEntries(
      Object.entries(setting.subFlows)
        .filter(([, { runs }]) => runs !== "published")
        .map(([name, { runs, results }]) => [name, runs === "gone" ? { fails: true, results: {} } : { fails: false, results: { ...results } }]),
    ),
    recogniser: setting.recogniser,
    bots: setting.bots,
    answered: known?.answered ?? [],
    steps: [...acts],
  };
}

/** What somebody typed: keys, or words that are said; null: nothing. */
export function actOf(typed: string): Act | null {
  const text = typed.trim();
  if (text === "") {
    return null;
  }
  return (/^[0-9*#A-D]{1,64}$/.test(text) ? { keys: text } : { says: [{ text, confidence: 100 }] });
}

/** Waiting twice is waiting once for as long. */
export function withAct(acts: readonly Act[], act: Act): readonly Act[] {
  const last = acts.at(-1);
  if (typeof last?.waits === "number" && typeof act.waits === "number") {
    return [...acts.slice(0, -1), { waits: round(last.waits + act.waits) }];
  }
  return [...acts, act];
}

/** Let so many seconds go by, and a little more than that, so that what is due then is over. */
export function waiting(seconds: number): Act {
  return { waits: round(Math.max(0.001, seconds) + 0.001) };
}

/** The node on the canvas: of the flow itself, that which runs a sub-flow while it runs. */
export function nodeOn(state: State | null): string | null {
  const entered = state?.happenings.filter(({ what, node }) => what === "entered" && !node.includes("/")) ?? [];
  return entered.at(-1)?.node ?? null;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
