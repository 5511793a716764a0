/** What reports there are, and the periods that people ask for. */

export const REPORTS = ["queues", "agents", "trunks", "flows", "contacts", "resolution"] as const;
export type Report = (typeof REPORTS)[number];

const TIMES = ["quarter_hour", "hour", "day", "week", "month", "quarter", "year"] as const;
export type Grouping = "queue" | "agent" | "seat" | "trunk" | "direction" | "flow" | "node" | "contact" | (typeof TIMES)[number];

/** The first is the default. */
export const GROUPINGS: Readonly<Record<Report, readonly [Grouping, ...Grouping[]]>> = {
  queues: ["queue", ...TIMES],
  agents: ["agent", "seat", "queue", ...TIMES],
  trunks: ["trunk", "direction", ...TIMES],
  flows: ["flow", "node", ...TIMES],
  contacts: ["contact"],
  resolution: ["queue", "agent", "day", "week", "month"],
};

/** What the chart shows. */
export const CHARTED: Readonly<Record<Report, string>> = {
  queues: "offered",
  agents: "talks",
  trunks: "contacts",
  flows: "sessions",
  contacts: "line_seconds",
  resolution: "handled",
};

export const PERIODS = ["today", "yesterday", "days7", "days30", "month", "lastMonth", "quarter", "lastQuarter", "year"] as const;
export type Period = (typeof PERIODS)[number];

/** Begin and end (exclusive) of a period, by the clock of whoever looks. */
export function bounds(period: Period, now: Date): readonly [Date, Date] {
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  const quarter = month - (month % 3);
  const tomorrow = new Date(year, month, day + 1);
  switch (period) {
    case "today":
      return [new Date(year, month, day), tomorrow];
    case "yesterday":
      return [new Date(year, month, day - 1), new Date(year, month, day)];
    case "days7":
      return [new Date(year, month, day - 6), tomorrow];
    case "days30":
      return [new Date(year, month, day - 29), tomorrow];
    case "month":
      return [new Date(year, month, 1), tomorrow];
    case "lastMonth":
      return [new Date(year, month - 1, 1), new Date(year, month, 1)];
    case "quarter":
      return [new Date(year, quarter, 1), tomorrow];
    case "lastQuarter":
      return [new Date(year, quarter - 3, 1), new Date(year, quarter, 1)];
    case "year":
      return [new Date(year, 0, 1), tomorrow];
  }
}

/** Whether the server makes this report of this period: single contacts and quarters of an hour have shorter limits. */
export function fits(report: Report, grouping: Grouping, period: Period): boolean {
  const long = period === "quarter" || period === "lastQuarter";
  const short = grouping === "quarter_hour" || report === "contacts";
  return !(period === "year" && report === "resolution") && !(short && (long || period === "year"));
}

/** Whole periods of reports that make themselves, and what they are written as. */
export const WHOLE = ["day", "week", "month", "quarter", "year"] as const;
export const FORMATS = ["csv", "xlsx", "pdf"] as const;
export const FORMAT_NAMES = { csv: "CSV", xlsx: "Excel", pdf: "PDF" } as const;

/** Minutes of a day as people write them, and back; null where nobody would. */
export function timeOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
export function minuteOf(time: string): number | null {
  const found = /^([01]\d|2[0-3]):([0-5]\d)$/u.exec(time);
  return found === null ? null : Number(found[1]) * 60 + Number(found[2]);
}

/** Addresses out of what somebody wrote, parted by commas, semicolons or blanks. */
export function addressesOf(text: string): string[] {
  return text.split(/[\s,;，；]+/u).filter((one) => one !== "");
}

/** Those of some addresses that no report may go to: of another domain than these, or none at all. */
export function foreign(addresses: readonly string[], domains: readonly string[]): string[] {
  const known = new Set(domains.map((domain) => domain.toLowerCase()));
  return addresses.filter((one) => !/^[^@\s]+@[^@\s]+$/u.test(one) || !known.has(one.slice(one.indexOf("@") + 1).toLowerCase()));
}
