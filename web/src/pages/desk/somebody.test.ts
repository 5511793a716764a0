import { expect, test } from "vitest";
import { readSomebody } from "./somebody";

const agents = new Map([["1005", {}]]);
const queues = new Map([["support", {}]]);

test("a colleague and a queue go by their ids, everything else is a number", () => {
  expect(readSomebody(" 1005 ", agents, queues)).toEqual({ agent: "1005" });
  expect(readSomebody("support", agents, queues)).toEqual({ queue: "support" });
  expect(readSomebody("138-0000 0001", agents, queues)).toEqual({ number: "13800000001" });
});
