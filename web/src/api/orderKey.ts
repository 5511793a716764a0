/** A key for one order, so that it is carried out once however often it is sent; also where pages are not secure. */
export function newOrderKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
