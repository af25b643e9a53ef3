/** judge-report.ts — how two runs differ, for people: a diff of packets in the notation, port by port. */
import { align } from './align.ts';
import type { Difference } from './judge.ts';
import { judgedFrames } from './judge.ts';
import { type FrameContext, frameContext, type PacketOpener } from './judge-context.ts';
import { FrameCanon } from './judge-frame.ts';
import { formatPacket } from './packet-notation.ts';
import type { PacketNames } from './packet-words.ts';
import type { RunRecord, Scenario } from './scenario.ts';

/** Differences of one port, or of one dump, that are told in full. */
const MOST = 12;

/** Names of a scenario's ports and hosts, for packets in print. */
export function scenarioNames(scenario: Scenario): PacketNames {
  const ports = scenario.ports.map(({ name, mac }) => [name, { mac }] as const);
  const hosts = scenario.hosts.map(({ name, mac, ip }) => [name, { mac, ip }] as const);
  return Object.fromEntries([...ports, ...hosts]);
}

/**
 * Tells the differences that `compareRuns` found, several lines: `-` expected and did not come, `+` came and was not
 * expected. Empty when there are none.
 */
export function reportDifferences(
  want: readonly RunRecord[],
  got: readonly RunRecord[],
  scenario: Scenario,
  differences: readonly Difference[],
  open?: PacketOpener,
): string {
  const lines: string[] = [];
  const context = frameContext(scenario, open);
  for (const port of new Set(differences.flatMap((d) => (d.kind === 'frame' ? [d.port] : [])))) {
    lines.push(`port ${port}:`, ...reportPort(want, got, port, context));
  }
  for (const difference of differences) {
    if (difference.kind === 'dump') {
      lines.push(`dump ${difference.name}:`, ...reportLines(difference.want, difference.got));
    } else if (difference.kind === 'multipath') {
      lines.push(`${difference.what}:`, `  - ${difference.want}`, `  + ${difference.got}`);
    }
  }
  return lines.join('\n');
}

function reportPort(want: readonly RunRecord[], got: readonly RunRecord[], port: string, context: FrameContext): string[] {
  const [left, right] = [want, got].map((records) => judgedFrames(records, port, context));
  const names = scenarioNames(context.scenario);
  const canon = new FrameCanon(context);
  const print = (frame: Uint8Array): string => formatPacket(canon.steady(frame), { names });
  const rows = align(
    left.map((frame) => frame.value),
    right.map((frame) => frame.value),
  );
  const lines: string[] = [];
  let told = 0;
  for (const [i, j] of rows) {
    if (i >= 0 && j >= 0) continue;
    if (++told > MOST) continue;
    const { record } = i >= 0 ? left[i] : right[j];
    lines.push(`  ${i >= 0 ? '-' : '+'} ${`${round(record.t)}ms`.padStart(8)}  ${print(record.frame)}`);
  }
  if (told > MOST) lines.push(`    … and ${told - MOST} more`);
  return lines;
}

function reportLines(want: string | null, got: string | null): string[] {
  const [left, right] = [want, got].map((text) => (text === null ? ['(no such output)'] : text.split('\n')));
  const lines: string[] = [];
  for (const [i, j] of align(left, right)) {
    if (i >= 0 && j >= 0) lines.push(`    ${left[i]}`);
    else lines.push(i >= 0 ? `  - ${left[i]}` : `  + ${right[j]}`);
  }
  return lines;
}

function round(t: number): number {
  return Math.round(t * 10) / 10;
}
