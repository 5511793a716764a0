/** Pure words of calendars: spans as people type them, and what kind of day each day of a year is. */
export interface Span {
  readonly start: string;
  readonly end: string;
}
export type Week = Readonly<Record<string, readonly Span[]>>;
export interface Exceptions {
  readonly days: Readonly<Record<string, readonly Span[]>>;
  readonly make_up_days: Readonly<Record<string, number>>;
}
export type DayKind = "week" | "closed" | "own" | "make_up";

/** `09:00-12:00 13:00-18:00` → spans; null when it cannot be read. */
export function spansOf(text: string): readonly Span[] | null {
  const parts = text.trim().split(/[\s,;]+/).filter((part) => part !== "");
  const spans = parts.map((part) => /^([01]?\d|2[0-3]):([0-5]\d)[-–]([01]?\d|2[0-3]):([0-5]\d)$/.exec(part));
  return spans.some((span) => span === null)
    ? null
    : spans.map((span) => {
        const [, startHour = "", startMinute = "", endHour = "", endMinute = ""] = span ?? [];
        return { start: `${startHour.padStart(2, "0")}:${startMinute}:00`, end: `${endHour.padStart(2, "0")}:${endMinute}:00` };
      });
}

export function textOfSpans(spans: readonly Span[]): string {
  return spans.map(({ start, end }) => `${start.slice(0, 5)}-${end.slice(0, 5)}`).join(" ");
}

/** `Mon-Fri 09:00-18:00, Sat 10:00-14:00`: weekdays with the same hours stand together, closed ones are left out. */
export function textOfWeek(week: Week, nameOf: (weekday: number) => string): string {
  const runs: { first: number; last: number; hours: string }[] = [];
  for (let weekday = 0; weekday < 7; weekday += 1) {
    const hours = textOfSpans(week[weekday] ?? []);
    const run = runs.at(-1);
    if (hours !== "" && run?.hours === hours && run.last === weekday - 1) {
      run.last = weekday;
    } else if (hours !== "") {
      runs.push({ first: weekday, last: weekday, hours });
    }
  }
  return runs
    .map(({ first, last, hours }) => `${nameOf(first)}${last === first ? "" : `–${nameOf(last)}`} ${hours}`)
    .join(", ");
}

export function kindOf(day: string, { days, make_up_days }: Exceptions): DayKind {
  const own = days[day];
  return own !== undefined ? (own.length === 0 ? "closed" : "own") : day in make_up_days ? "make_up" : "week";
}

/** The next kind of a day that is pressed: as the week says, closed, works like a Monday. */
export function turned(day: string, exceptions: Exceptions, kind = kindOf(day, exceptions)): Exceptions {
  const drop = <Part,>(part: Readonly<Record<string, Part>>) =>
    Object.fromEntries(Object.entries(part).filter(([key]) => key !== day));
  const days = drop(exceptions.days);
  const make_up_days = drop(exceptions.make_up_days);
  switch (kind) {
    case "week":
      return { days: { ...days, [day]: [] }, make_up_days };
    case "closed":
      return { days, make_up_days: { ...make_up_days, [day]: 0 } };
    default:
      return { days, make_up_days };
  }
}

/** Days of a month, with empty places before its first (weeks begin on Monday). */
export function monthOf(year: number, month: number): readonly (string | null)[] {
  const first = new Date(Date.UTC(year, month, 1));
  const count = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const before = Array.from({ length: (first.getUTCDay() + 6) % 7 }, () => null);
  return [...before, ...Array.from({ length: count }, (_none, day) => new Date(Date.UTC(year, month, day + 1)).toISOString().slice(0, 10))];
}

/** An instant as an input of this browser has it: `2026-02-01T00:00`, in its own time zone. */
export function localOf(instant: unknown): string {
  if (typeof instant !== "string") {
    return "";
  }
  const at = new Date(instant);
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** And back, as the server has it; null: none. */
export function instantOf(local: string): string | null {
  const at = new Date(local);
  return local === "" || Number.isNaN(at.getTime()) ? null : at.toISOString();
}

interface Listed {
  readonly id: string;
  readonly years: readonly number[];
  readonly days: readonly string[];
  readonly make_up_days: readonly string[];
}

interface Chosen extends Exceptions {
  readonly holidays?: readonly string[];
}

const chosenOf = ({ holidays }: Chosen, lists: readonly Listed[]) => lists.filter(({ id }) => holidays?.includes(id) === true);

/** Whether a year has no single days though the one before has: nobody entered its holidays yet. */
export function lacksDays(value: Chosen, lists: readonly Listed[], year: number): boolean {
  const days = [...Object.keys(value.days), ...Object.keys(value.make_up_days)];
  const listed = chosenOf(value, lists).flatMap(({ years }) => years);
  const has = (one: number) => days.some((day) => day.startsWith(`${String(one)}-`)) || listed.includes(one);
  return has(year - 1) && !has(year);
}

/** With the days of the lists that are chosen, as the server will add them: its own days count first. */
export function withLists(value: Chosen, lists: readonly Listed[]): Exceptions {
  const chosen = chosenOf(value, lists);
  const own = (day: string) => day in value.days || day in value.make_up_days;
  const added = <Part,>(days: readonly string[], part: Part) =>
    Object.fromEntries(days.filter((day) => !own(day)).map((day) => [day, part]));
  return {
    days: { ...value.days, ...added(chosen.flatMap(({ days }) => days), []) },
    make_up_days: { ...value.make_up_days, ...added(chosen.flatMap((list) => list.make_up_days), 0) },
  };
}

/** The lists that a new calendar begins with: those that are not all of the past. */
export function currentLists(lists: readonly Listed[], year: number): readonly string[] {
  return lists.filter(({ years }) => years.some((one) => one >= year)).map(({ id }) => id);
}
