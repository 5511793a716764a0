import { age, clock, NOTHING } from "./format";
import { useNow } from "../live/context";

/** How long something lasts by now; ticks each second. */
export function Timer({ since }: { readonly since: string | null }) {
  const now = useNow();
  return <span className="num">{since === null ? NOTHING : clock(age(since, now))}</span>;
}
