import { expect, it } from "vitest";
import { alarm } from "../testing/messages";
import { inOrder } from "./order";

it("puts urgent before non-urgent, unseen before seen, old before new", () => {
  const alarms = [
    alarm("mild", { severity: "non_urgent" }),
    alarm("seen", { acknowledged_by: "sup1" }),
    alarm("later", { since: "2026-01-05T09:01:00Z" }),
    alarm("first"),
  ];
  expect(inOrder(alarms).map(({ id }) => id)).toEqual(["first", "later", "seen", "mild"]);
});
