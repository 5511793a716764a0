import { describe, expect, it } from "vitest";
import { bounds, fits, foreign, GROUPINGS, PERIODS, REPORTS } from "./reports";

const NOW = new Date(2026, 1, 14, 15, 30); // a Saturday in February
const DAY = 86_400_000;

function days(period: (typeof PERIODS)[number], now = NOW): readonly [string, string] {
  const [from, to] = bounds(period, now);
  const name = (at: Date) => `${String(at.getFullYear())}-${String(at.getMonth() + 1)}-${String(at.getDate())}`;
  return [name(from), name(to)];
}

describe("periods of reports", () => {
  it.each([
    ["today", "2026-2-14", "2026-2-15"],
    ["yesterday", "2026-2-13", "2026-2-14"],
    ["days7", "2026-2-8", "2026-2-15"],
    ["days30", "2026-1-16", "2026-2-15"],
    ["month", "2026-2-1", "2026-2-15"],
    ["lastMonth", "2026-1-1", "2026-2-1"],
    ["quarter", "2026-1-1", "2026-2-15"],
    ["lastQuarter", "2025-10-1", "2026-1-1"],
    ["year", "2026-1-1", "2026-2-15"],
  ] as const)("%s is from %s to before %s", (period, from, to) => {
    expect(days(period)).toEqual([from, to]);
  });

  it("crosses the year in January", () => {
    const january = new Date(2026, 0, 1, 0, 5);
    expect(days("yesterday", january)).toEqual(["2025-12-31", "2026-1-1"]);
    expect(days("lastMonth", january)).toEqual(["2025-12-1", "2026-1-1"]);
  });

  it("offers nothing that the server refuses", () => {
    const longest = { queues: 3660, agents: 3660, trunks: 3660, flows: 3660, contacts: 31, resolution: 92 } as const;
    const december = new Date(2027, 11, 31, 12);
    for (const report of REPORTS) {
      for (const grouping of GROUPINGS[report]) {
        for (const period of PERIODS.filter((one) => fits(report, grouping, one))) {
          const [from, to] = bounds(period, december);
          const limit = Math.min(longest[report], { quarter_hour: 31, hour: 366, day: 1098 }[grouping as string] ?? 3660);
          expect((to.getTime() - from.getTime()) / DAY, `${report} ${grouping} ${period}`).toBeLessThanOrEqual(limit);
        }
      }
    }
  });
});

describe("the addresses of a report", () => {
  it("are those of the domains that are set, however they are written", () => {
    expect(foreign(["a@example.org", "B@Example.ORG"], ["Example.org"])).toEqual([]);
    expect(foreign(["a@other.net", "a@sub.example.org"], ["example.org"])).toEqual(["a@other.net", "a@sub.example.org"]);
    expect(foreign(["example.org", "a@b@example.org", "@example.org"], ["example.org"])).toHaveLength(3);
    expect(foreign(["a@example.org"], [])).toEqual(["a@example.org"]);
    expect(foreign([], [])).toEqual([]);
  });
});
