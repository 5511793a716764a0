/** Who is meant by what an agent typed: a colleague, a queue, else a number. */
export function readSomebody(
  text: string,
  agents: ReadonlyMap<string, unknown>,
  queues: ReadonlyMap<string, unknown>,
): { agent?: string; queue?: string; number?: string } {
  const wanted = text.trim();
  if (agents.has(wanted)) {
    return { agent: wanted };
  }
  if (queues.has(wanted)) {
    return { queue: wanted };
  }
  return { number: wanted.replace(/[\s\-.()/]+/g, "") };
}
