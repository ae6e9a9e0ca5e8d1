/**
 * A place where one listener hears of what runs while some work is done. Used by what names the parts of a computation
 * (`trace/phase.ts`, `engine/capture/sequence.ts`). Pure but for the listener.
 */
export class ListenerPlace<Listener> {
  #current: Listener | undefined;

  /** Whoever listens now. */
  get current(): Listener | undefined {
    return this.#current;
  }

  /** Runs `work` with a listener, in place of any other. */
  during<T>(listener: Listener, work: () => T): T {
    const before = this.#current;
    this.#current = listener;
    try {
      return work();
    } finally {
      this.#current = before;
    }
  }
}
