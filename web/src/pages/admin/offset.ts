/** +0:03.20 since the beginning of a contact. */
export function offset(begin: string, at: string): string {
  const hundredths = Math.max(0, Math.round((Date.parse(at) - Date.parse(begin)) / 10));
  const minutes = Math.floor(hundredths / 6_000);
  const rest = ((hundredths % 6_000) / 100).toFixed(2).padStart(5, "0");
  return `+${String(minutes)}:${rest}`;
}
