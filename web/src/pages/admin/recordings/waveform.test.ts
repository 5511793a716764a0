import { expect, it } from "vitest";
import { columns } from "./Waveform";

it("shows the loudest of each column, also of fewer values than columns", () => {
  expect(columns([0, 51, 255, 0], 2)).toEqual([0.2, 1]);
  expect(columns([255], 4)).toEqual([1, 1, 1, 1]);
  expect(columns([], 2)).toEqual([0, 0]);
});
