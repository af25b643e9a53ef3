/**
 * progress.ts — how far something long has come: a line on a terminal, and nothing anywhere else.
 *
 *      ████████████░░░░░░░░░░░░  48 %  1,204,000 packets  3 s left
 */

/** Where the line goes: standard error. */
export interface ProgressTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** What is over sooner shows nothing, in ms. */
const PATIENCE = 400;
/** Least time between two pictures, in ms. */
const REDRAW = 100;
const WIDTH = 24;
const CLEAR = '\r\x1b[K';

export class Progress {
  private readonly terminal: ProgressTerminal;
  private readonly now: () => number;
  private readonly began: number;
  private drawn = Number.NEGATIVE_INFINITY;
  private shown = false;

  /** @param now milliseconds that only grow */
  constructor(terminal: ProgressTerminal = process.stderr, now: () => number = () => performance.now()) {
    this.terminal = terminal;
    this.now = now;
    this.began = now();
  }

  /** Says how far it has come. @param share 0 … 1, or null when nobody knows @param what `1,204,000 packets` */
  update(share: number | null, what: string): void {
    if (this.terminal.isTTY !== true) return;
    const now = this.now();
    const passed = now - this.began;
    if (passed < PATIENCE || now - this.drawn < REDRAW) return;
    this.drawn = now;
    this.shown = true;
    const line = share === null ? what : `${bar(share)}  ${what}${left(share, passed)}`;
    this.terminal.write(`${CLEAR}${line.slice(0, (this.terminal.columns ?? 80) - 1)}`);
  }

  /** Takes the line away: for the end, and for whatever else is to be written. The next update draws it again. */
  clear(): void {
    if (!this.shown) return;
    this.shown = false;
    this.drawn = Number.NEGATIVE_INFINITY;
    this.terminal.write(CLEAR);
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}

function left(share: number, passed: number): string {
  if (share < 0.02 || share >= 1) return '';
  const seconds = Math.ceil((passed * (1 - share)) / share / 1000);
  return seconds < 120 ? `  ${seconds} s left` : `  ${Math.ceil(seconds / 60)} min left`;
}

/** A number as people read it: `1,204,000`. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}
