import { useEffect, useState, type RefObject } from "react";

/** Fewer rows than this are simply all drawn. */
const ALL = 80;
const MARGIN = 12;

export interface Window {
  readonly windowed: boolean;
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** Which of `count` rows of `rowHeight` are in sight of a box that scrolls. */
export function windowOf(top: number, height: number, count: number, rowHeight: number): Window {
  if (count <= ALL) {
    return { windowed: false, first: 0, end: count };
  }
  const first = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight) + MARGIN);
  return { windowed: true, first: Math.min(first, end), end };
}

export function useWindow(box: RefObject<HTMLElement | null>, count: number, rowHeight: number): Window {
  const [sight, setSight] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = box.current;
    if (element === null || count <= ALL) {
      return;
    }
    const look = () => {
      setSight({ top: element.scrollTop, height: element.clientHeight });
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      element.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [box, count]);
  return windowOf(sight.top, sight.height, count, rowHeight);
}
