import { describe, expect, it } from "vitest";
import { Path } from "./path";

describe("the path of a call's sound", () => {
  it("is cut while two checks in a row have no answer, however many were lost before", () => {
    const path = new Path();
    const seen = ([
      [3, 2],
      [4, 3],
      [5, 3],
      [6, 3],
      [7, 3],
      [9, 5],
      [10, 5],
      [11, 6],
    ] as const).map(([sent, answered]) => path.cut("connected", { sent, answered }));
    expect(seen).toEqual([false, false, false, true, true, false, false, false]);
  });

  it("is cut while there is none", () => {
    const path = new Path();
    expect((["new", "checking", "disconnected", "failed"] as const).map((state) => path.cut(state, null))).toEqual([true, true, true, true]);
    expect(path.cut("completed", null)).toBe(false);
  });
});
