import { describe, expect, it } from "vitest";
import { contactsAddress, midnight, storyAddress, waitingAddress, windowBegin } from "./drill";

const NOW = new Date("2026-01-05T09:30:00Z");

describe("the way from a figure to its contacts", () => {
  it("is an address that says what is looked for", () => {
    expect(contactsAddress({ queue: "a&b", from: "2026-01-05T00:00:00.000Z" })).toBe(
      "/admin/contacts?queue=a%26b&from=2026-01-05T00%3A00%3A00.000Z",
    );
    expect(waitingAddress("sales")).toBe("/?queue=sales&stage=queue");
    expect(storyAddress("c/1")).toBe("/admin/contacts/c%2F1");
  });

  it.each([
    ["PT2H", "2026-01-05T07:30:00.000Z"],
    ["PT15M", "2026-01-05T09:15:00.000Z"],
    ["P1D", "2026-01-04T09:30:00.000Z"],
    ["P1DT1H", "2026-01-04T08:30:00.000Z"],
  ])("begins with the window of %s", (window, begin) => {
    expect(windowBegin(window, NOW)).toBe(begin);
  });

  it.each(["day", "", "P", "PT"])("begins with the day where the window is %j", (window) => {
    expect(windowBegin(window, NOW)).toBe(midnight(NOW));
  });
});
