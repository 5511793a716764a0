/** Lists that are made anew at every change, but of the same objects where nothing changed: those are not drawn again. */
interface Named {
  readonly id: string;
}

export function alike<Item extends object>(one: Item, other: Item): boolean {
  const names = Object.keys(one) as (keyof Item)[];
  return names.length === Object.keys(other).length && names.every((name) => Object.is(one[name], other[name]));
}

/** Gives the items of the last time, and the last list itself, where they are the same. */
export function steady<Item extends Named>(same: (one: Item, other: Item) => boolean = alike): (items: readonly Item[]) => Item[] {
  let last: Item[] = [];
  let known = new Map<string, Item>();
  return (items) => {
    const now = items.map((item) => {
      const before = known.get(item.id);
      return before !== undefined && same(before, item) ? before : item;
    });
    if (now.length !== last.length || now.some((item, at) => item !== last[at])) {
      last = now;
      known = new Map(now.map((item) => [item.id, item]));
    }
    return last;
  };
}
