import { describe, expect, it } from "vitest";
import { queue } from "../testing/messages";
import { serviceLevel, waitLevel, waitThresholds } from "./thresholds";

const measured = (value: number | null) => {
  const row = queue("q");
  return { ...row, service_level: { ...row.service_level, value } };
};

describe("waits", () => {
  it("turn amber at the queue's target and red at the clause's minute", () => {
    const thresholds = waitThresholds(queue("q"));
    expect([19.9, 20, 59, 60].map((seconds) => waitLevel(seconds, thresholds))).toEqual(["calm", "warn", "warn", "bad"]);
  });

  it("keep amber before red where the target is longer than the minute", () => {
    const row = queue("q");
    const slow = { ...row, service_level: { ...row.service_level, target_seconds: 90 } };
    expect(waitThresholds(slow)).toEqual({ warn: 90, bad: 270 });
  });
});

describe("the service level", () => {
  it("is calm without contacts and at its target", () => {
    expect([null, 0.8, 0.79, 0.5].map((value) => serviceLevel(measured(value)))).toEqual(["calm", "calm", "warn", "bad"]);
  });
});
