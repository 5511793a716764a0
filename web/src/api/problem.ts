/** RFC 9457 problem details as an error of this program. */
export class ApiError extends Error {
  readonly status: number;
  /** For programs and translations: `seat_taken`, `throttled`, …; `offline` when no answer came. */
  readonly code: string;
  /** Seconds until another attempt is worth it. */
  readonly retryAfter: number | null;
  /** What is wrong with which field of the request: `skills.sales` → why. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    retryAfter: number | null = null,
    fields: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.fields = fields;
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

interface Answer<Data> {
  readonly data?: Data | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of an answer; throws {@link ApiError} for everything else, a missing network included. */
export async function unwrap<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  let answer: Answer<Data>;
  try {
    answer = await asked;
  } catch (error) {
    throw error instanceof DOMException && error.name === "AbortError"
      ? error
      : new ApiError(0, "offline", error instanceof Error ? error.message : "no answer");
  }
  if (answer.response.ok) {
    return answer.data as Data;
  }
  throw problemOf(answer.response.status, answer.error);
}

export function problemOf(status: number, body: unknown): ApiError {
  const fields: Record<string, unknown> = typeof body === "object" && body !== null ? { ...body } : {};
  const code = typeof fields.code === "string" ? fields.code : status >= 500 ? "unavailable" : "refused";
  const detail = typeof fields.detail === "string" ? fields.detail : `HTTP ${String(status)}`;
  const wait = fields.retry_after;
  return new ApiError(status, code, detail, typeof wait === "number" ? wait : null, fieldsOf(fields.errors));
}

function fieldsOf(errors: unknown): Record<string, string> {
  const all: readonly unknown[] = Array.isArray(errors) ? errors : [];
  return Object.fromEntries(
    all.flatMap((one) => {
      const { where, why } = (typeof one === "object" && one !== null ? one : {}) as Record<string, unknown>;
      return typeof where === "string" && typeof why === "string" ? [[where.replace(/^(body|path)\./, ""), why] as const] : [];
    }),
  );
}
