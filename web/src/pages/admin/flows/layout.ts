/**
 * A layered layout, from left to right: nodes stand right of those that lead to them, in the order of the exits.
 *
 * After Sugiyama: ways back are left out, ranks are longest paths, crossings are lessened by barycentres, and a node
 * stands where its neighbours are as far as there is room.
 */
import type { Place } from "./document";

export interface Box {
  readonly id: string;
  readonly height: number;
}

export const BOX_WIDTH = 232;
/** From one column to the next. */
export const ACROSS = BOX_WIDTH + 72;
const GAP = 28;
const SWEEPS = 6;

export function layered(boxes: readonly Box[], ways: readonly (readonly [string, string])[], start: string): Record<string, Place> {
  const next = new Map<string, string[]>(boxes.map(({ id }) => [id, []]));
  for (const [from, to] of ways) {
    if (next.has(to) && from !== to) {
      next.get(from)?.push(to);
    }
  }
  const { order, onward } = withoutCircles(next, start);
  const ranks = ranked(order, onward);
  const before = reversed(onward);
  const heightIn = new Map<string, number>();
  for (const rank of ranks) {
    number(rank, heightIn);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const rank of down ? ranks : [...ranks].reverse()) {
      sortByNeighbours(rank, heightIn, down ? before : onward);
    }
  }
  return placed(ranks, new Map(boxes.map(({ id, height }) => [id, height])), before);
}

/** Depth first, without recursion: documents may be long. Ways to a node that is still open lead back. */
function withoutCircles(next: ReadonlyMap<string, readonly string[]>, start: string) {
  const state = new Map<string, "open" | "done">();
  const onward = new Map<string, string[]>([...next.keys()].map((id) => [id, []]));
  const order: string[] = [];
  for (const root of [start, ...next.keys()]) {
    if (!next.has(root) || state.has(root)) {
      continue;
    }
    const way = [{ id: root, at: 0 }];
    state.set(root, "open");
    while (way.length > 0) {
      const here = way[way.length - 1];
      const to = here === undefined ? undefined : next.get(here.id)?.[here.at];
      if (here === undefined || to === undefined) {
        way.pop();
        if (here !== undefined) {
          state.set(here.id, "done");
          order.push(here.id);
        }
        continue;
      }
      here.at += 1;
      if (state.get(to) !== "open") {
        onward.get(here.id)?.push(to);
      }
      if (!state.has(to)) {
        state.set(to, "open");
        way.push({ id: to, at: 0 });
      }
    }
  }
  return { order: order.reverse(), onward };
}

function ranked(order: readonly string[], onward: ReadonlyMap<string, readonly string[]>): string[][] {
  const rankOf = new Map<string, number>();
  const ranks: string[][] = [];
  for (const id of order) {
    const rank = rankOf.get(id) ?? 0;
    (ranks[rank] ??= []).push(id);
    for (const to of onward.get(id) ?? []) {
      rankOf.set(to, Math.max(rankOf.get(to) ?? 0, rank + 1));
    }
  }
  return ranks;
}

function reversed(ways: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const back = new Map<string, string[]>([...ways.keys()].map((id) => [id, []]));
  for (const [from, all] of ways) {
    for (const to of all) {
      back.get(to)?.push(from);
    }
  }
  return back;
}

/** How far down in its rank each node is, 0 to 1. */
function number(rank: readonly string[], at: Map<string, number>): void {
  rank.forEach((id, index) => {
    at.set(id, (index + 0.5) / rank.length);
  });
}

function sortByNeighbours(rank: string[], at: Map<string, number>, neighbours: ReadonlyMap<string, readonly string[]>): void {
  const weight = new Map(
    rank.map((id) => {
      const near = neighbours.get(id) ?? [];
      const sum = near.reduce((total, one) => total + (at.get(one) ?? 0), 0);
      return [id, near.length === 0 ? (at.get(id) ?? 0) : sum / near.length];
    }),
  );
  rank.sort((one, other) => (weight.get(one) ?? 0) - (weight.get(other) ?? 0));
  number(rank, at);
}

function placed(ranks: readonly string[][], heights: ReadonlyMap<string, number>, before: ReadonlyMap<string, readonly string[]>) {
  const places: Record<string, Place> = {};
  const middle = (id: string) => (places[id]?.y ?? 0) + (heights.get(id) ?? 0) / 2;
  ranks.forEach((rank, column) => {
    let bottom = -Infinity;
    let drift = 0;
    const tops = rank.map((id) => {
      const height = heights.get(id) ?? 0;
      const near = before.get(id) ?? [];
      const wanted = near.length === 0 ? 0 : near.reduce((sum, one) => sum + middle(one), 0) / near.length - height / 2;
      const top = Math.max(wanted, bottom + GAP);
      bottom = top + height;
      drift += top - wanted;
      return top;
    });
    const shift = rank.length === 0 ? 0 : drift / rank.length;
    rank.forEach((id, index) => {
      places[id] = { x: column * ACROSS, y: Math.round((tops[index] ?? 0) - shift) };
    });
  });
  return places;
}
