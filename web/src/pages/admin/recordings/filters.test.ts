import { expect, it } from "vitest";
import { addressOf, filtersOf } from "./filters";

it("reads from an address what narrows the list, and nothing else", () => {
  const contact = "019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39";
  const text = `from=2026-01-05T09:00:00Z&caller=138&shortest=600&highest_score=40&held=true&contact=${contact}&x=1`;
  const filters = { from: "2026-01-05T09:00:00Z", caller: "138", shortest: 600, highest_score: 40, held: true, contact };
  expect(filtersOf(new URLSearchParams(text))).toEqual(filters);
  expect(filtersOf(new URLSearchParams("to=soon&contact=7&longest=-1&lowest_score=&held=perhaps"))).toEqual({});
});

it("says in an address what it reads from one", () => {
  const filters = { queue: "support", lowest_score: 0, held: true } as const;
  expect(filtersOf(new URLSearchParams(addressOf(filters)))).toEqual(filters);
  expect(addressOf({ ...filters, queue: undefined, held: undefined })).toEqual({ lowest_score: "0" });
});
