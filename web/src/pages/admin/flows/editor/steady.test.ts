import { describe, expect, it } from "vitest";
import { steady } from "./steady";

const item = (id: string, x: number) => ({ id, x });

describe("a steady list", () => {
  it("keeps the objects that say the same, and itself when all do", () => {
    const kept = steady();
    const first = kept([item("a", 1), item("b", 2)]);
    expect(kept([item("a", 1), item("b", 2)])).toBe(first);
    const second = kept([item("a", 1), item("b", 3)]);
    expect(second).toEqual([item("a", 1), item("b", 3)]);
    expect(second[0]).toBe(first[0]);
  });

  it("follows what comes, goes, changes places, or says less", () => {
    const kept = steady<{ id: string; x?: number }>();
    const [a, b] = kept([item("a", 1), item("b", 2)]);
    expect(kept([item("b", 2), item("a", 1)])).toEqual([b, a]);
    expect(kept([item("b", 2)])).toEqual([b]);
    expect(kept([{ id: "b" }])).toEqual([{ id: "b" }]);
  });
});
