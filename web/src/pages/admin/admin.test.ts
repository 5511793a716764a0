import { describe, expect, it } from "vitest";
import type { Words } from "../../i18n/useWords";
import { formats } from "../../ui/format";
import { factDetails, factGroup } from "./facts";
import { ladder } from "./ladder";
import { offset } from "./offset";
import { columns } from "./peaks";

const words: Words = {
  language: "en",
  name: (group, word) => `${group}:${word}`,
  hint: () => undefined,
  problem: () => "",
  ...formats("en"),
};

function message(id: string, remote: string, outgoing: boolean, text: string) {
  return { id, at: "2026-01-05T09:00:00Z", type: "SipMessageSeen", data: { remote, outgoing, text } };
}

describe("the ladder", () => {
  const drawn = ladder([
    message("1", "10.0.0.1:5060", false, "INVITE sip:95001@cc SIP/2.0\r\nCSeq: 1 INVITE\r\n"),
    message("2", "10.0.0.1:5060", true, "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n"),
    message("3", "10.0.0.9:5062", true, "INVITE sip:8004@10.0.0.9 SIP/2.0\r\n"),
  ]);

  it("has the platform between the caller and everybody else", () => {
    expect(drawn.lanes).toEqual(["10.0.0.1:5060", "", "10.0.0.9:5062"]);
  });

  it("draws each message from its sender to its receiver", () => {
    expect(drawn.messages.map(({ from, to, title }) => [from, to, title])).toEqual([
      [0, 1, "INVITE"],
      [1, 0, "100 Trying (INVITE)"],
      [1, 2, "INVITE"],
    ]);
  });

  it("is empty without messages, and survives messages without text", () => {
    expect(ladder([]).messages).toEqual([]);
    expect(ladder([{ ...message("1", "", true, ""), data: {} }]).messages).toHaveLength(1);
  });
});

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

  it("of an unknown kind is shown all the same", () => {
    expect(factGroup("SomethingNew")).toBe("other");
    expect(factDetails({ thing: { a: 1 } }, { words, field: (name) => name })).toEqual([{ name: "thing", value: '{"a":1}' }]);
  });
});

it("counts offsets from the beginning of the contact", () => {
  expect(offset("2026-01-05T09:00:00.000Z", "2026-01-05T09:01:03.204Z")).toBe("+1:03.20");
  expect(offset("2026-01-05T09:00:00.000Z", "2026-01-05T08:59:59.000Z")).toBe("+0:00.00");
});

it("finds the peaks of a recording, also of one shorter than the picture is wide", () => {
  expect(columns(new Float32Array([0, -0.5, 0.25, 1]), 2)).toEqual([0.5, 1]);
  expect(columns(new Float32Array([0.5]), 4)).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(columns(new Float32Array(), 2)).toEqual([0, 0]);
});
