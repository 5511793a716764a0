import { describe, expect, it } from "vitest";
import { windowOf } from "./useWindow";

describe("windowOf", () => {
  it("draws short tables whole", () => {
    expect(windowOf(0, 100, 80, 34)).toEqual({ windowed: false, first: 0, end: 80 });
  });

  it("draws what is in sight of long ones, and a little more", () => {
    const { first, end } = windowOf(3_400, 340, 1_000, 34);
    expect(first).toBeLessThan(100);
    expect(end).toBeGreaterThan(110);
    expect(end - first).toBeLessThan(60);
  });

  it("stays within the rows when they became fewer under the scroll", () => {
    expect(windowOf(34_000, 340, 100, 34)).toEqual({ windowed: true, first: 100, end: 100 });
  });
});
