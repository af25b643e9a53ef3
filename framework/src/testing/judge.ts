/**
 * judge.ts — what one router sent against what another sent: the kernel's recorded answer, say.
 *
 * Per port, frames in order, every byte; times are not compared. Free is only what Linux chooses freely:
 *   - ip.id of ICMP messages and tunnel headers that the router made; the header checksum must be right, and fragments of
 *     one such packet share one id. An ICMP message counts as made by the router unless the scenario sent in one of the
 *     same id, type and code
 *   - the times in an IP timestamp option, and in an ICMP timestamp reply that the router made
 *   - the low byte (1/256 s) of a BPDU's message age
 *   - ESP's IV, padding and ciphertext, when the scenario has the keys: the packets inside are compared
 * and where the scenario's `ignore` says so:
 *   - order        frames of a port are compared as a set
 *   - bpdu-times   the BPDUs of a port are compared as a set, apart from its other frames
 *   - pad          bytes behind the IP total length
 *   - natport:A-B  ports of the range are numbered by first use; the transport checksum must be right
 *   - strict       turns the exceptions for ip.id and time stamps off
 */
import { type FrameContext, frameContext, type PacketOpener } from './judge-context.ts';
import { BPDU_GROUP, FrameCanon } from './judge-frame.ts';
import { compareMultipath, splitMultipath } from './judge-multipath.ts';
import type { FrameRecord, RunRecord, Scenario } from './scenario.ts';

/** One frame of a comparison: as it is compared, and as it was. */
export interface JudgedFrame {
  readonly value: string;
  readonly record: FrameRecord;
}

/** One thing that differs. */
export type Difference =
  | {
      readonly kind: 'frame';
      readonly port: string;
      readonly index: number;
      readonly want: JudgedFrame | null;
      readonly got: JudgedFrame | null;
    }
  | { readonly kind: 'dump'; readonly name: string; readonly want: string | null; readonly got: string | null }
  | { readonly kind: 'multipath'; readonly what: string; readonly want: string; readonly got: string };

/** The differences between two runs of a scenario; none when `got` is as `want`. */
export function compareRuns(want: readonly RunRecord[], got: readonly RunRecord[], scenario: Scenario, open?: PacketOpener): Difference[] {
  const differences: Difference[] = [];
  const { multipath, dumps } = scenario.compare;
  let [left, right] = [want, got];
  if (multipath !== null) {
    const splits = [splitMultipath(want, multipath), splitMultipath(got, multipath)];
    for (const [what, wanted, was] of compareMultipath(splits[0], splits[1], multipath)) {
      differences.push({ kind: 'multipath', what, want: wanted, got: was });
    }
    [left, right] = [splits[0].rest, splits[1].rest];
  }
  const context = frameContext(scenario, open);
  for (const { name } of scenario.ports) {
    const a = judgedFrames(left, name, context);
    const b = judgedFrames(right, name, context);
    for (let index = 0; index < Math.max(a.length, b.length); index++) {
      const pair = { want: a[index] ?? null, got: b[index] ?? null };
      if (pair.want?.value !== pair.got?.value) differences.push({ kind: 'frame', port: name, index, ...pair });
    }
  }
  for (const [name, how] of Object.entries(dumps)) {
    const pair = { want: dumpText(want, name, how), got: dumpText(got, name, how) };
    if (pair.want !== pair.got) differences.push({ kind: 'dump', name, ...pair });
  }
  return differences;
}

/** The frames of one port in the order in which they are compared. */
export function judgedFrames(records: readonly RunRecord[], port: string, context: FrameContext): JudgedFrame[] {
  const canon = new FrameCanon(context);
  const { ignore } = context.scenario.compare;
  let frames: JudgedFrame[] = [];
  for (const record of records) {
    if ('frame' in record && record.port === port) frames.push({ value: canon.canonical(record.frame), record });
  }
  if (ignore.includes('bpdu-times')) {
    const bpdus = new Map<string, JudgedFrame>();
    for (const frame of frames) if (frame.value.startsWith(BPDU_GROUP)) bpdus.set(frame.value, frame);
    frames = [...[...bpdus.values()].sort(byValue), ...frames.filter((frame) => !frame.value.startsWith(BPDU_GROUP))];
  }
  return ignore.includes('order') ? frames.sort(byValue) : frames;
}

function byValue(a: JudgedFrame, b: JudgedFrame): number {
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** The lines of a judged dump, runs of blanks made one blank and empty lines left out; null when there is no such dump. */
function dumpText(records: readonly RunRecord[], name: string, how: 'exact' | 'sorted'): string | null {
  for (const record of records) {
    if (!('dump' in record) || record.dump !== name) continue;
    const lines = record.text
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '))
      .filter((line) => line !== '');
    return (how === 'sorted' ? lines.sort() : lines).join('\n');
  }
  return null;
}
