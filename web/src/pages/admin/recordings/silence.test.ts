import { expect, it } from "vitest";
import { afterSilence, silences } from "./silence";

it("skips what is silent on both sides for long enough", () => {
  const left = [90, 0, 0, 0, 0, 0, 60, 0, 90, 0];
  const right = [0, 0, 3, 4, 0, 70, 0, 0, 0, 0];
  expect(silences(left, right, 10)).toEqual([{ from: 1, to: 5 }]);
  expect(silences(left, right, 40)).toEqual([
    { from: 4, to: 20 },
    { from: 28, to: 32 },
    { from: 36, to: 40 },
  ]);
  expect(silences([], [], 10)).toEqual([]);
});

it("goes on a little before the next word, and stays where somebody speaks", () => {
  const spans = [{ from: 4, to: 20 }];
  expect(afterSilence(spans, 3.9)).toBeNull();
  expect(afterSilence(spans, 4)).toBeCloseTo(19.7);
  expect(afterSilence(spans, 19.7)).toBeNull();
});
