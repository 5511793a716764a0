/** A line of values as a picture: gaps where there were none, each part coloured by whether it met the target. */
const WIDTH = 72;
const HEIGHT = 16;
const MARGIN = 2;

interface Props {
  readonly values: readonly (number | null)[];
  readonly target: number | null;
  readonly meets: (value: number) => boolean;
  readonly label: string;
}

export function Sparkline({ values, target, meets, label }: Props) {
  const { parts, level } = drawn(values, target);
  if (parts.length === 0) {
    return null;
  }
  return (
    <svg className="sparkline" viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <title>{label}</title>
      {level === null ? null : <line className="goal" x1={0} x2={WIDTH} y1={level} y2={level} />}
      {parts.map(({ from, to, value }) => (
        <line key={to.x} className={target === null ? "met" : meets(value) ? "met" : "missed"} x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
      ))}
    </svg>
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Part {
  readonly from: Point;
  readonly to: Point;
  readonly value: number;
}

/** The parts between neighbouring values; one alone is a dash. The target is in sight. */
export function drawn(values: readonly (number | null)[], target: number | null): { parts: Part[]; level: number | null } {
  const known = values.filter((value) => value !== null);
  const all = target === null ? known : [...known, target];
  const low = Math.min(...all);
  const span = Math.max(...all) - low;
  const step = WIDTH / Math.max(values.length, 1);
  const y = (value: number) => (span === 0 ? HEIGHT / 2 : HEIGHT - MARGIN - ((value - low) / span) * (HEIGHT - 2 * MARGIN));
  const parts = values.flatMap((value, place): Part[] => {
    if (value === null) {
      return [];
    }
    const before = values[place - 1] ?? null;
    const to = { x: (place + 1) * step, y: y(value) };
    return [{ from: { x: place * step, y: before === null ? to.y : y(before) }, to, value }];
  });
  return { parts, level: target === null || parts.length === 0 ? null : y(target) };
}
