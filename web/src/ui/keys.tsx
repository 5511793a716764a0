/** Keyboard: components say which keys they answer to; `?` lists what is known at the moment. */
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";

export interface KeyBinding {
  /** `F2`, `?`, `n`, or a sequence with a space: `g o`. Letters in lower case. */
  readonly keys: string;
  readonly label: string;
  readonly enabled: boolean;
}

interface Registered extends KeyBinding {
  readonly run: () => void;
}

interface Registry {
  readonly add: (binding: () => Registered) => () => void;
  readonly list: () => readonly KeyBinding[];
}

const KeysContext = createContext<Registry | null>(null);
const SEQUENCE_MS = 1_200;

export function KeysProvider({ children }: { readonly children: ReactNode }) {
  const [bindings] = useState(() => new Set<() => Registered>());
  const registry = useMemo<Registry>(
    () => ({
      add: (binding) => {
        bindings.add(binding);
        return () => {
          bindings.delete(binding);
        };
      },
      list: () => [...bindings].map((binding) => binding()),
    }),
    [bindings],
  );
  const leader = useRef<{ key: string; at: number } | null>(null);

  const onKey = useCallback(
    (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
        return;
      }
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (isTyping(event.target) && !/^F\d+$/.test(key)) {
        return;
      }
      const all = [...bindings].map((binding) => binding());
      const first = leader.current;
      const sequence = first !== null && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${key}` : null;
      const hit = all.findLast((each) => each.enabled && each.keys === sequence) ??
        all.findLast((each) => each.enabled && each.keys === key);
      leader.current = all.some((each) => each.keys.startsWith(`${key} `)) ? { key, at: event.timeStamp } : null;
      if (hit !== undefined) {
        event.preventDefault();
        leader.current = null;
        hit.run();
      }
    },
    [bindings],
  );

  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
    };
  }, [onKey]);

  return <KeysContext value={registry}>{children}</KeysContext>;
}

/** Answer to a key while the component is there. */
export function useKey(keys: string, label: string, run: () => void, enabled = true): void {
  const registry = useContext(KeysContext);
  const latest = useRef<Registered>({ keys, label, run, enabled });
  useEffect(() => {
    latest.current = { keys, label, run, enabled };
  });
  useEffect(() => registry?.add(() => latest.current), [registry]);
}

/** The keys of the moment, for the help; of those with the same keys the one that answers. */
export function useKeyList(): () => readonly KeyBinding[] {
  const registry = useContext(KeysContext);
  return useCallback(() => {
    const all = registry?.list() ?? [];
    return all.filter((each) => each === (all.findLast(({ keys, enabled }) => enabled && keys === each.keys) ?? all.find(({ keys }) => keys === each.keys)));
  }, [registry]);
}

/** A key cap; hidden from screen readers, which hear `aria-keyshortcuts`. */
export function KeyCap({ keys }: { readonly keys: string }) {
  return (
    <span className="keycaps" aria-hidden="true">
      {keys.split(" ").map((key) => (
        <kbd key={key}>{key.length === 1 ? key.toUpperCase() : key}</kbd>
      ))}
    </span>
  );
}

/** Letters belong to the field that has the focus; switches and choices are no fields. */
function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) {
    return !["radio", "checkbox", "button", "range"].includes(target.type);
  }
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT")
  );
}
