import { describe, expect, it } from "vitest";
import { PALETTE } from "./theme";

/** Relative luminance, WCAG 2. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

const INKS = ["text", "quiet", "accent", "talking", "held", "reserved", "wrap_up", "ready", "not_ready", "signed_out", "good", "warn", "bad"];

describe.each(["light", "dark"] as const)("the %s theme", (name) => {
  const colours = PALETTE[name];
  const colour = (key: string) => colours[key] ?? expect.fail(`no colour ${key}`);

  it.each(INKS)("can be read: %s on page, panel and sunken ground", (ink) => {
    for (const ground of ["page", "panel", "sunken"]) {
      expect(contrast(colour(ink), colour(ground)), ground).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each([
    ["warn", "warn-wash"],
    ["bad", "bad-wash"],
    ["text", "warn-wash"],
    ["text", "bad-wash"],
    ["accent", "accent-wash"],
    ["on-bad", "bad"],
  ])("can be read: %s on %s", (ink, ground) => {
    expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });
});
