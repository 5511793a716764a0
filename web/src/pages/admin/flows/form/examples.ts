import { isTree } from "../document";

/** What a call would fill in, to hear how it is read. */
const EXAMPLES: Readonly<Record<string, string>> = {
  spoken: "123",
  number: "3",
  digits: "1234",
  money: "128.50",
  date: "2026-01-05",
  time: "10:30",
};

export function examplesOf(prompt: unknown): Record<string, string> {
  const parts = Array.isArray(prompt) ? prompt.filter(isTree) : [];
  return Object.fromEntries(
    parts.flatMap((part) =>
      Object.entries(part).flatMap(([reading, variable]) =>
        reading in EXAMPLES && typeof variable === "string" && variable !== "" ? [[variable, EXAMPLES[reading] ?? ""]] : [],
      ),
    ),
  );
}
