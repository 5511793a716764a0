import { describe, expect, it } from "vitest";
import type { Words } from "../../i18n/useWords";
import { formats } from "../../ui/format";
import { factDetails, factGroup } from "./facts";
import { offset } from "./offset";

const words: Words = {
  language: "en",
  name: (group, word) => `${group}:${word}`,
  hint: () => undefined,
  problem: () => "",
  ...formats("en"),
};

describe("a fact", () => {
  it("is told without ids and empty fields, with units", () => {
    const details = factDetails(
      { contact: "c", leg: "l", queue: "support", agent: null, waited_seconds: 0.0123, cause: "normal", ok: true, length: 2 },
      { words, field: (name) => name },
    );
    expect(details).toEqual([
      { name: "queue", value: "support" },
      { name: "waited_seconds", value: "0.012 s" },
      { name: "cause", value: "cause:normal" },
      { name: "ok", value: "✓" },
      { name: "length", value: "2" },
    ]);
  });

  it("says how far a message has come in other words than an agent's state", () => {
    const of = (data: Record<string, unknown>) => factDetails(data, { words, field: (name) => name });
    expect(of({ message: "m", state: "heard" })).toEqual([{ name: "state", value: "messageState:heard" }]);
    expect(of({ agent: "1004", state: "held" })).toContainEqual({ name: "state", value: "state:held" });
  });

  it("of an unknown kind is shown all the same", () => {
    expect(factGroup("SomethingNew")).toBe("other");
    expect(factDetails({ thing: { a: 1 } }, { words, field: (name) => name })).toEqual([{ name: "thing", value: '{"a":1}' }]);
  });
});

it("counts offsets from the beginning of the contact", () => {
  expect(offset("2026-01-05T09:00:00.000Z", "2026-01-05T09:01:03.204Z")).toBe("+1:03.20");
  expect(offset("2026-01-05T09:00:00.000Z", "2026-01-05T08:59:59.000Z")).toBe("+0:00.00");
});
