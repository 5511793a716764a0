import type { Language } from "../i18n";

export const LOCALES: Record<Language, string> = { zh: "zh-CN", en: "en-GB" };
/** Shown where there is no value. */
export const NOTHING = "–";

export interface Formats {
  /** 0:41, 3:12, 1:02:09 */
  readonly clock: (seconds: number) => string;
  /** 88.9 % */
  readonly percent: (share: number, digits?: number) => string;
  /** 14:03:20 */
  readonly time: (at: string | number) => string;
  /** 14:03 */
  readonly shortTime: (at: string | number) => string;
  /** 22 Nov, 14:03:20 */
  readonly dateTime: (at: string | number) => string;
  /** Monday for 0 */
  readonly weekday: (day: number) => string;
  /** January for 0 */
  readonly month: (year: number, month: number) => string;
  readonly figure: (value: number, digits: number) => string;
  readonly bytes: (size: number) => string;
}

export function formats(language: Language): Formats {
  const locale = LOCALES[language];
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const shortTime = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
  const dateTime = new Intl.DateTimeFormat(locale, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
  const figure = (value: number, digits: number) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  const weekday = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" });
  const month = new Intl.DateTimeFormat(locale, { month: "long", timeZone: "UTC" });
  return {
    clock,
    weekday: (day) => weekday.format(Date.UTC(2024, 0, 1 + day)), // a Monday
    month: (year, number) => month.format(Date.UTC(year, number, 1)),
    percent: (share, digits = 0) => `${figure(share * 100, digits)} %`,
    time: (at) => time.format(new Date(at)),
    shortTime: (at) => shortTime.format(new Date(at)),
    dateTime: (at) => dateTime.format(new Date(at)),
    figure,
    bytes: (size) => (size < 1e6 ? `${figure(size / 1e3, 0)} kB` : `${figure(size / 1e6, 1)} MB`),
  };
}

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${String(minutes)}:${rest}`
    : `${String(Math.floor(minutes / 60))}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** Seconds from an instant to `now` (ms), never negative. */
export function age(since: string, now: number): number {
  return Math.max(0, (now - Date.parse(since)) / 1_000);
}
