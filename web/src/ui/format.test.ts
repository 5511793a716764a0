import { describe, expect, it } from "vitest";
import { age, clock, formats } from "./format";

describe("clock", () => {
  it.each([
    [0, "0:00"],
    [41.9, "0:41"],
    [192, "3:12"],
    [3_729, "1:02:09"],
    [-3, "0:00"],
  ])("shows %d seconds as %s", (seconds, text) => {
    expect(clock(seconds)).toBe(text);
  });
});

describe("age", () => {
  it("is never negative, whatever the clocks say", () => {
    const now = Date.parse("2026-01-05T09:00:10Z");
    expect(age("2026-01-05T09:00:00Z", now)).toBe(10);
    expect(age("2026-01-05T09:00:11Z", now)).toBe(0);
  });
});

describe("formats", () => {
  it("follow the language", () => {
    expect(formats("en").percent(0.8888, 1)).toBe("88.9 %");
    expect(formats("en").figure(29_956, 0)).toBe("29,956");
    expect(formats("zh").dateTime("2026-01-05T09:00:00Z")).toMatch(/1月5日/);
  });
});
