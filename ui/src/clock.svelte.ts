/** The wall clock as a rune. It wakes only when something shown will have changed, and never behind a hidden page. */
export class Clock {
  now = $state(Date.now());

  /** Keeps time by `next`, which tells how long the present reading holds, until the returned function is called. */
  run(next: (now: number) => number | null): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tick = () => {
      clearTimeout(timer);
      if (document.hidden) return;
      const now = Date.now();
      this.now = now;
      const wait = next(now);
      if (wait !== null) timer = setTimeout(tick, wait);
    };
    tick();
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }
}
