import { describe, expect, it } from 'vitest';
import { grouped, Progress, type ProgressTerminal } from './progress.ts';

/** A terminal that keeps what is written, and the time. */
function terminal(isTTY: boolean, columns = 80): { terminal: ProgressTerminal; pictures: string[]; clock: { ms: number } } {
  const pictures: string[] = [];
  return { terminal: { isTTY, columns, write: (text) => pictures.push(text) }, pictures, clock: { ms: 0 } };
}

describe('Progress', () => {
  it('is a line on a terminal, drawn again and taken away', () => {
    const { terminal: tty, pictures, clock } = terminal(true);
    const progress = new Progress(tty, () => clock.ms);
    for (; clock.ms <= 1000; clock.ms += 10) progress.update(clock.ms / 2000, `${grouped(clock.ms * 1000)} packets`);
    progress.clear();
    progress.clear();
    expect(pictures.length).toBeLessThan(10);
    expect(pictures.at(-2)).toBe('\r\x1b[K████████████░░░░░░░░░░░░  50 %  1,000,000 packets  1 s left');
    expect(pictures.at(-1)).toBe('\r\x1b[K');
  });

  it('shows nothing of what is over soon', () => {
    const { terminal: tty, pictures, clock } = terminal(true);
    const progress = new Progress(tty, () => clock.ms);
    for (; clock.ms < 400; clock.ms += 10) progress.update(clock.ms / 400, 'packets');
    progress.clear();
    expect(pictures).toEqual([]);
  });

  it('shows nothing where there is no terminal', () => {
    const { terminal: file, pictures, clock } = terminal(false);
    const progress = new Progress(file, () => clock.ms);
    for (; clock.ms < 5000; clock.ms += 10) progress.update(0.5, 'packets');
    progress.clear();
    expect(pictures).toEqual([]);
  });

  it('stays on one line of a narrow terminal, and says what is known when the end is not', () => {
    const { terminal: tty, pictures, clock } = terminal(true, 20);
    const progress = new Progress(tty, () => clock.ms);
    clock.ms = 500;
    progress.update(0.1, '123,456 packets');
    clock.ms = 700;
    progress.update(null, '123,456 packets');
    expect(pictures.map((text) => text.replace('\r\x1b[K', ''))).toEqual(['██░░░░░░░░░░░░░░░░░', '123,456 packets']);
  });
});
