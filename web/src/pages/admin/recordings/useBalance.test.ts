import { expect, it } from "vitest";
import { gains } from "./useBalance";

it("leaves both in the middle and one alone at each end", () => {
  expect(gains(0)).toEqual({ caller: 1, agent: 1 });
  expect(gains(-1)).toEqual({ caller: 1, agent: 0 });
  expect(gains(0.75)).toEqual({ caller: 0.25, agent: 1 });
});
