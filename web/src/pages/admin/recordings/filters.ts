/** What an address narrows the list of recordings to. */
export interface Filters {
  readonly from?: string;
  readonly to?: string;
  readonly caller?: string;
  readonly agent?: string;
  readonly queue?: string;
  readonly seat?: string;
  readonly contact?: string;
  readonly disposition?: string;
  /** Seconds. */
  readonly shortest?: number;
  readonly longest?: number;
  /** 0–100 */
  readonly lowest_score?: number;
  readonly highest_score?: number;
  readonly held?: true;
}

const TIMES = ["from", "to"] as const;
const TEXTS = ["caller", "agent", "queue", "seat", "contact", "disposition"] as const;
const FIGURES = ["shortest", "longest", "lowest_score", "highest_score"] as const;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Words that are no time, figure or id narrow nothing. */
export function filtersOf(address: URLSearchParams): Filters {
  const told = (name: string) => address.get(name) ?? "";
  const figure = (name: string) => (told(name) === "" ? NaN : Number(told(name)));
  return Object.fromEntries<string | number | true>([
    ...TIMES.filter((name) => !Number.isNaN(Date.parse(told(name)))).map((name) => [name, told(name)] as const),
    ...TEXTS.filter((name) => told(name) !== "" && (name !== "contact" || ID.test(told(name)))).map((name) => [name, told(name)] as const),
    ...FIGURES.filter((name) => figure(name) >= 0 && figure(name) <= 1_000_000).map((name) => [name, figure(name)] as const),
    ...(told("held") === "true" ? [["held", true] as const] : []),
  ]);
}

/** The address of a narrowed list. */
export function addressOf(filters: { [Name in keyof Filters]?: Filters[Name] | undefined }): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filters)
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([name, value]) => [name, String(value)]),
  );
}
