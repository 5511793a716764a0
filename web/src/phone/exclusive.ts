/** One tab of a browser at a time is the phone of a seat: by a Web Lock, which ends with its page. */

export interface Waiter {
  /** This tab is the phone now. */
  readonly granted: () => void;
  /** Another tab is: at once, or because it took over. */
  readonly elsewhere: () => void;
}

export class Exclusive {
  private readonly locks: LockManager | undefined;
  private readonly name: string;
  private readonly waiter: Waiter;
  private readonly over = new AbortController();
  private leave: (() => void) | null = null;
  private waits = false;

  constructor(locks: LockManager | undefined, name: string, waiter: Waiter) {
    this.locks = locks;
    this.name = name;
    this.waiter = waiter;
  }

  /** Be the phone, or wait until the tab that is closes; `steal`: now, whoever is. */
  async enter(steal = false): Promise<void> {
    if (this.locks === undefined) {
      this.waiter.granted(); // a page that is not secure has no microphone either
      return;
    }
    if (!(await this.ask(this.locks, steal ? { steal } : { ifAvailable: true }))) {
      await this.wait(this.locks);
    }
  }

  exit(): void {
    this.over.abort();
    this.leave?.();
  }

  private async wait(locks: LockManager): Promise<void> {
    if (this.waits || this.over.signal.aborted) {
      return;
    }
    this.waiter.elsewhere();
    this.waits = true;
    const left = await this.ask(locks, { signal: this.over.signal });
    this.waits = false;
    if (!left) {
      await this.wait(locks);
    }
  }

  /** Whether this tab was the phone, or is to be it no more; false: another tab is. */
  private async ask(locks: LockManager, options: LockOptions): Promise<boolean> {
    try {
      return await locks.request(this.name, options, (lock) => {
        if (lock === null) {
          return false;
        }
        this.waiter.granted();
        return new Promise<boolean>((resolve) => {
          this.leave = () => {
            resolve(true);
          };
        });
      });
    } catch {
      return this.over.signal.aborted; // otherwise it was stolen
    }
  }
}
