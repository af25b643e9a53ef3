/**
 * The judge judged: every recorded answer equals itself, and each changed byte, lost frame, repeated frame and swapped
 * pair of frames is seen, but for the bytes that are documented as free.
 */
import { describe, expect, it } from 'vitest';
import { openIpsec } from '../../cli/src/open-ipsec.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { frameContext } from '../../framework/src/testing/judge-context.ts';
import { FrameCanon } from '../../framework/src/testing/judge-frame.ts';
import type { FrameRecord, RunRecord, Scenario } from '../../framework/src/testing/scenario.ts';
import { readScenario, scenarioNames } from './corpus.ts';

const FRAMES = 3;
const BYTES = 70;
const FLIP = 0x5a;

/** Is byte `k` of this frame one that judge.ts documents as free? */
function isFree(frame: Uint8Array, k: number, scenario: Scenario): boolean {
  if (frame[0] === 0x01 && frame[1] === 0x80 && frame[2] === 0xc2) return k === 45;
  const ip = frame[12] === 0x81 && frame[13] === 0 ? 18 : 14;
  if (frame[ip - 2] !== 8 || frame[ip - 1] !== 0) return false;
  const l4 = ip + (frame[ip] & 15) * 4;
  const inner = frame[ip + 9] === 4 ? l4 : frame[ip + 9] === 47 && frame[l4] === 0 ? l4 + 4 : frame.length;
  if (frame[inner] === 0x45 && (k === inner + 4 || k === inner + 5)) return true;
  if (k === ip + 4 || k === ip + 5) return true;
  if (k >= ip + 20 && k < l4) return true;
  if (frame[ip + 9] === 1 && frame[l4] === 14 && k >= l4 + 12 && k < l4 + 20) return true;
  return scenario.compare.ignore.some((rule) => rule.startsWith('natport:')) && k >= l4 && k < l4 + 4;
}

const isBpdu = (record: RunRecord): boolean => 'frame' in record && record.frame[0] === 0x01 && record.frame[1] === 0x80;

describe.each(scenarioNames())('%s', (name) => {
  const { scenario, expect: want } = readScenario(name);
  const frames = want.flatMap((record, i) => ('frame' in record ? [i] : []));
  const seen = (got: RunRecord[]): boolean => compareRuns(want, got, scenario, openIpsec).length > 0;

  it('equals itself', () => {
    expect(compareRuns(want, want, scenario, openIpsec)).toEqual([]);
  });

  it('writes down frames that are judged alike, and stay as they are', () => {
    const context = frameContext(scenario, openIpsec);
    for (const { name: port } of scenario.ports) {
      const own = want.flatMap((record) => ('frame' in record && record.port === port ? [record.frame] : []));
      const canons = [new FrameCanon(context), new FrameCanon(context)];
      for (const frame of own) {
        const steady = canons[0].steady(frame);
        expect(canons[1].steady(steady)).toEqual(steady);
        expect(new FrameCanon(context).canonical(steady)).toBe(new FrameCanon(context).canonical(frame));
      }
    }
  });

  it('sees every changed byte that is not free', () => {
    // Of the long runs fewer frames: each change costs a comparison of the whole.
    for (const i of frames.slice(0, want.length > 100 ? 1 : FRAMES)) {
      const record = want[i] as FrameRecord;
      for (let k = 0; k < Math.min(record.frame.length, BYTES); k++) {
        const frame = record.frame.slice();
        frame[k] ^= FLIP;
        if (!seen(want.with(i, { ...record, frame }))) expect(isFree(frame, k, scenario), `byte ${k} of record ${i}`).toBe(true);
      }
    }
  });

  it('sees a lost frame and a repeated one', () => {
    for (const i of frames.slice(0, FRAMES)) {
      if (scenario.compare.ignore.includes('bpdu-times') && isBpdu(want[i])) continue;
      expect(seen(want.toSpliced(i, 1)), `record ${i} lost`).toBe(true);
      expect(seen(want.toSpliced(i, 0, want[i])), `record ${i} twice`).toBe(true);
    }
  });

  it('sees a changed dump', () => {
    for (const [dump, how] of Object.entries(scenario.compare.dumps)) {
      const i = want.findIndex((record) => 'dump' in record && record.dump === dump);
      const record = want[i];
      expect('dump' in record && seen(want.with(i, { ...record, text: `${record.text}more\n` }))).toBe(true);
      expect('dump' in record && seen(want.with(i, { ...record, text: record.text.replaceAll('\n', ' \n\n') }))).toBe(false);
      if (how === 'sorted' && 'dump' in record) {
        expect(seen(want.with(i, { ...record, text: record.text.split('\n').reverse().join('\n') }))).toBe(false);
      }
    }
  });
});
