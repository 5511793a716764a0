/** A key for one order, so that it is carried out once however often it is sent; also where pages are not secure. */
export function newOrderKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How long an order waits that was lost on the way, before it is sent again. */
export const AGAIN_MS = 1_000;

/** Send a request. An order with a key whose answer did not come is sent once more: it is carried out once. */
export async function fetchOnce(request: Request): Promise<Response> {
  const again = (await hasKey(request)) ? request.clone() : null;
  try {
    return await fetch(request);
  } catch (error) {
    if (again === null || again.signal.aborted) {
      throw error;
    }
    await new Promise((waited) => setTimeout(waited, AGAIN_MS));
    return fetch(again);
  }
}

async function hasKey(request: Request): Promise<boolean> {
  if (request.method === "GET") {
    return false;
  }
  if (new URL(request.url).searchParams.get("key")) {
    return true;
  }
  if (!request.headers.get("Content-Type")?.startsWith("application/json")) {
    return false;
  }
  const body: unknown = await request.clone().json().catch(() => null);
  return typeof body === "object" && body !== null && "key" in body && Boolean(body.key);
}
