import { describe, expect, it } from "vitest";
import en from "../../../i18n/admin.en.json";
import zh from "../../../i18n/admin.zh.json";
import { currentLists, kindOf, lacksDays, monthOf, spansOf, textOfSpans, textOfWeek, turned, withLists } from "./days";
import { compare, documentOf, matches, type Field, type KindPage } from "./kind";
import * as kinds from "./kinds";

const ALL: readonly KindPage[] = Object.values(kinds);

function named(fields: readonly Field[]): string[] {
  return fields.flatMap((field) => [
    field.words ?? field.name,
    ...(field.type === "rows" || field.type === "group" ? named(field.fields) : []),
  ]);
}

describe("the kinds of settings", () => {
  it("have words for everything that is shown", () => {
    for (const kind of ALL) {
      for (const words of [en, zh]) {
        expect(Object.keys(words.settingKind)).toContain(kind.name);
        expect(Object.keys(words.settingField)).toEqual(expect.arrayContaining([...kind.columns, ...named(kind.fields)]));
      }
    }
  });

  it("begin with all that their forms change", () => {
    for (const kind of ALL) {
      expect(Object.keys(kind.fresh), kind.name).toEqual(expect.arrayContaining(kind.fields.map((field) => field.name)));
    }
  });

  it("send back only what is theirs", () => {
    expect(documentOf(kinds.USERS, { id: "a", roles: ["agent"], must_change: true })).toEqual({ roles: ["agent"] });
  });
});

describe("a list", () => {
  it("finds rows by words anywhere in them", () => {
    const row = { id: "1004", name: "Wang Fang 王芳", skills: { support: 9 } };
    expect(matches(row, "王 support")).toBe(true);
    expect(matches(row, "wang sales")).toBe(false);
  });

  it("sorts numbers by size and ids as people do", () => {
    expect([9, 10, 2].sort(compare)).toEqual([2, 9, 10]);
    expect(["seat-10", "seat-9"].sort(compare)).toEqual(["seat-9", "seat-10"]);
  });
});

describe("hours and days", () => {
  it("says the week in few words", () => {
    const office = [{ start: "09:00:00", end: "18:00:00" }];
    const names = (weekday: number) => "MTWtFSs"[weekday] ?? "";
    expect(textOfWeek({ "0": office, "1": office, "2": office, "4": office, "5": [] }, names)).toBe(
      "M–W 09:00-18:00, F 09:00-18:00",
    );
    expect(textOfWeek({}, names)).toBe("");
  });

  it("are read as they are written", () => {
    const spans = spansOf("9:00-12:00, 13:00-18:30");
    expect(spans).toEqual([
      { start: "09:00:00", end: "12:00:00" },
      { start: "13:00:00", end: "18:30:00" },
    ]);
    expect(textOfSpans(spans ?? [])).toBe("09:00-12:00 13:00-18:30");
    expect(spansOf("")).toEqual([]);
    expect(spansOf("25:00-26:00")).toBeNull();
    expect(spansOf("nine to five")).toBeNull();
  });

  it("turn from the week's to closed, to a make-up day and back", () => {
    let exceptions = turned("2026-10-01", { days: {}, make_up_days: {} });
    expect(kindOf("2026-10-01", exceptions)).toBe("closed");
    exceptions = turned("2026-10-01", exceptions);
    expect(kindOf("2026-10-01", exceptions)).toBe("make_up");
    exceptions = turned("2026-10-01", exceptions);
    expect(exceptions).toEqual({ days: {}, make_up_days: {} });
  });

  it("lie under their weekday", () => {
    const may = monthOf(2026, 4); // a Friday begins it
    expect(may.slice(0, 5)).toEqual([null, null, null, null, "2026-05-01"]);
    expect(may.at(-1)).toBe("2026-05-31");
  });
});

const list = (id: string, years: readonly number[]) => ({ id, years, days: [], make_up_days: [] });

describe("a year without single days", () => {
  const year = { days: { "2026-10-01": [] }, make_up_days: {}, holidays: [] };

  it("is told when the one before has some", () => {
    expect([2025, 2026, 2027, 2028].filter((one) => lacksDays(year, [], one))).toEqual([2027]);
    expect(lacksDays({ ...year, make_up_days: { "2027-02-07": 0 } }, [], 2027)).toBe(false);
  });

  it("is not told of lists that are chosen and not expanded yet", () => {
    const chosen = { days: {}, make_up_days: {}, holidays: ["cn"] };
    const lists = [list("cn", [2025, 2026]), list("hk", [2027])];
    expect([2025, 2026, 2027].filter((one) => lacksDays(chosen, lists, one))).toEqual([2027]);
    expect([2024, 2026, 2027, 2028].map((one) => currentLists(lists, one))).toEqual([["cn", "hk"], ["cn", "hk"], ["hk"], []]);
  });

  it("has the days of the lists that are chosen, but for those of its own", () => {
    const lists = [{ ...list("cn", [2026]), days: ["2026-01-01", "2026-01-02"], make_up_days: ["2026-01-04"] }, list("hk", [2026])];
    const own = { days: {}, make_up_days: { "2026-01-02": 0 }, holidays: ["cn"] };
    const shown = withLists(own, lists);
    expect(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"].map((day) => kindOf(day, shown))).toEqual(["closed", "make_up", "week", "make_up"]);
    expect(withLists({ ...own, holidays: [] }, lists)).toEqual({ days: {}, make_up_days: own.make_up_days });
    expect(turned("2026-01-01", own, "closed").make_up_days).toEqual({ "2026-01-01": 0, "2026-01-02": 0 });
  });
});
