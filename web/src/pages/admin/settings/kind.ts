/** A small typed description of a kind of setting: the list and the form are made from it. */
import type { Role } from "../../../api/session";
import type { ComponentType } from "react";
import type { Group } from "../../../i18n/useWords";

export type Value = unknown;
/** An item, or a part of one, as the server gives it. */
export type Item = Readonly<Record<string, Value>>;
export type Row = Item & { readonly id: string };

interface Common {
  readonly name: string;
  /** Key of the words when the name alone is not enough. */
  readonly words?: string;
  /** Shown only when this holds. */
  readonly when?: (draft: Item) => boolean;
  readonly required?: boolean;
}

/** Where options come from: a fixed list with its words, or the ids of another kind. */
export type Options = { readonly words: Group; readonly of: readonly string[] } | { readonly kind: string };

export type Field = Common &
  (
    | { readonly type: "text"; readonly empty?: null; /** Of several lines. */ readonly long?: true }
    | { readonly type: "secret" }
    | { readonly type: "number"; readonly least?: number; readonly most?: number; readonly step?: number; readonly empty?: boolean }
    | { readonly type: "switch" }
    | { readonly type: "choice"; readonly options: Options; readonly empty?: boolean | null }
    | { readonly type: "choices"; readonly options: Options; readonly empty?: null }
    | { readonly type: "texts"; readonly empty?: null }
    | { readonly type: "levels"; readonly kind: string }
    /** Ordered: the first that fits counts, so that they can be moved. */
    | { readonly type: "rows"; readonly fields: readonly Field[]; readonly fresh: Item; readonly ordered?: boolean }
    /** A date with its time of day; null: none. */
    | { readonly type: "instant" }
    | { readonly type: "group"; readonly fields: readonly Field[]; readonly fresh: Item; readonly always?: boolean }
    | { readonly type: "week" }
    /** Takes several fields: days, make_up_days, holidays. */
    | { readonly type: "year" }
  );

export interface KindPage {
  /** Names it in addresses of pages and in words. */
  readonly name: string;
  /** Where it is in REST, below /api/v1/. */
  readonly path: string;
  readonly readers: readonly Role[];
  readonly changers: readonly Role[];
  readonly columns: readonly string[];
  readonly fields: readonly Field[];
  readonly fresh: Item;
  /** A field of a new one that the server knows what to begin with. */
  readonly begin?: "holidays";
  /** What the form shows besides, of what stands in it. */
  readonly extra?: ComponentType<{ readonly draft: Item; /** Empty while it is new. */ readonly id: string }>;
}

/** What of an item its form changes; the rest (a trunk's present state) is the server's own. */
export function documentOf(kind: KindPage, item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => name in kind.fresh));
}

/** Text of a value, for cells and comparisons. */
export function textOf(value: Value): string {
  if (value === null || value === undefined) {
    return "";
  }
  if (Array.isArray(value)) {
    return value.every((part) => typeof part !== "object") ? value.join(", ") : String(value.length);
  }
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([key, part]) => `${key} ${typeof part === "object" ? JSON.stringify(part) : String(part)}`)
      .join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether a row has every word of the search somewhere. */
export function matches(row: Item, search: string): boolean {
  const text = Object.values(row).map(textOf).join(" ").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Numbers by size, all else as people sort words. */
export function compare(one: Value, other: Value): number {
  return typeof one === "number" && typeof other === "number"
    ? one - other
    : textOf(one).localeCompare(textOf(other), undefined, { numeric: true });
}
