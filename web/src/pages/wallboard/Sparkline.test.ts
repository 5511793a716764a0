import { describe, expect, it } from "vitest";
import { drawn } from "./Sparkline";

describe("a sparkline", () => {
  it("joins neighbouring values, and leaves gaps where there were none", () => {
    const { parts } = drawn([1, 0.5, null, 0.75], null);
    expect(parts.map(({ value }) => value)).toEqual([1, 0.5, 0.75]);
    expect(parts[1]?.from.y).toBe(parts[0]?.to.y);
    expect(parts[2]?.from.y).toBe(parts[2]?.to.y);
    expect(parts[2]?.from.x).toBe(54);
  });

  it("has higher values above lower ones, all within the picture, and its target in sight", () => {
    const { parts, level } = drawn([0.9, 1], 0.8);
    const heights = [level, parts[0]?.to.y, parts[1]?.to.y].map(Number);
    expect([...heights].sort((one, other) => other - one)).toEqual(heights);
    expect(Math.max(...heights)).toBeLessThanOrEqual(16);
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(0);
  });

  it("draws nothing of nothing, and a level line of what stays the same", () => {
    expect(drawn([], 1)).toEqual({ parts: [], level: null });
    expect(drawn([null, null], 1)).toEqual({ parts: [], level: null });
    expect(new Set(drawn([2, 2, 2], 2).parts.map(({ to }) => to.y))).toEqual(new Set([8]));
  });
});
