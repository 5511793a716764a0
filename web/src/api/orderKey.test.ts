import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AGAIN_MS, fetchOnce, newOrderKey } from "./orderKey";

const sent = vi.fn<(request: Request) => Promise<Response>>();

function order(body: unknown, address = "http://centre.test/api/v1/calls/1/hold"): Request {
  return new Request(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function outcome(request: Request): Promise<Response | Error> {
  const answer = fetchOnce(request).catch((error: unknown) => error as Error);
  await vi.advanceTimersByTimeAsync(AGAIN_MS);
  return answer;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", sent);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sent.mockReset();
});

describe("an order whose answer was lost", () => {
  it("is sent again with the same key", async () => {
    sent.mockRejectedValueOnce(new TypeError("gone")).mockResolvedValueOnce(new Response("{}"));
    const answer = await outcome(order({ key: "k-1", queue: "sales" }));
    expect(answer).toBeInstanceOf(Response);
    const bodies = await Promise.all(sent.mock.calls.map(([request]) => request.text()));
    expect(bodies).toEqual(['{"key":"k-1","queue":"sales"}', '{"key":"k-1","queue":"sales"}']);
  });

  it("is sent again when its key stands in the address", async () => {
    sent.mockRejectedValueOnce(new TypeError("gone")).mockResolvedValueOnce(new Response("{}"));
    await outcome(new Request("http://centre.test/api/v1/call-backs/1?key=k", { method: "DELETE" }));
    expect(sent).toHaveBeenCalledTimes(2);
  });

  it("is given up when it is lost again", async () => {
    sent.mockRejectedValue(new TypeError("gone"));
    expect(await outcome(order({ key: "k" }))).toBeInstanceOf(TypeError);
    expect(sent).toHaveBeenCalledTimes(2);
  });

  it.each([{ name: "no body", body: null }, { name: "no key", body: {} }, { name: "an empty key", body: { key: "" } }])(
    "is not sent again with $name",
    async ({ body }) => {
      sent.mockRejectedValue(new TypeError("gone"));
      expect(await outcome(order(body))).toBeInstanceOf(TypeError);
      expect(sent).toHaveBeenCalledTimes(1);
    },
  );

  it("is not sent again when it was answered, whatever the answer", async () => {
    sent.mockResolvedValue(new Response("{}", { status: 409 }));
    expect(await outcome(order({ key: "k" }))).toMatchObject({ status: 409 });
    expect(sent).toHaveBeenCalledTimes(1);
  });
});

it("keys differ", () => {
  expect(newOrderKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(newOrderKey()).not.toBe(newOrderKey());
});
