/** One interval for every timer on the page. */
export class Ticker {
  private value: number;
  private interval: ReturnType<typeof setInterval> | undefined;
  private readonly listeners = new Set<() => void>();
  private readonly clock: () => number;

  constructor(clock: () => number) {
    this.clock = clock;
    this.value = clock();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.listeners.size === 0) {
      this.value = this.clock();
      this.interval = setInterval(() => {
        this.value = this.clock();
        for (const each of this.listeners) {
          each();
        }
      }, 1_000);
    }
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) {
        clearInterval(this.interval);
      }
    };
  };

  readonly read = (): number => this.value;
}
