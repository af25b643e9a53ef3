/**
 * host-loop.ts — runs a {@link Softirq} in the host's event loop. A round is bounded and the next one waits its turn as an
 * immediate, so sockets, signals and other devices are served in between; without work nothing runs at all.
 */
import type { Softirq } from '../softirq.ts';

/** Starts to run `softirq`, and returns what stops it. */
export function attachToHost(softirq: Softirq): () => void {
  let immediate: ReturnType<typeof setImmediate> | null = null;
  const kick = (): void => {
    immediate ??= setImmediate(round);
  };
  const round = (): void => {
    immediate = null;
    if (softirq.run()) kick();
  };
  softirq.attach(kick);
  kick();
  return () => {
    softirq.detach();
    if (immediate !== null) clearImmediate(immediate);
    immediate = null;
  };
}
