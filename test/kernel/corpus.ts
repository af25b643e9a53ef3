/** corpus.ts — the recorded scenarios: what is sent at a router, and what the Linux kernel made of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fromHex } from '../../framework/src/testing/hex.ts';
import type { RunRecord, Scenario, ScenarioEvent } from '../../framework/src/testing/scenario.ts';

const FOLDER = new URL('scenarios/', import.meta.url);

export interface RecordedScenario extends Scenario {
  /** Kernel that `expect` comes from. */
  readonly recorded: string;
  /** What a kernel must have to play it: `vlan`, `ipsec`, `broute`. */
  readonly needs: readonly string[];
  readonly expect: readonly RunRecord[];
}

type Line = Record<string, unknown>;

function readLines(file: URL): Line[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const { hex, ...rest } = JSON.parse(line) as Line;
    return typeof hex === 'string' ? { ...rest, frame: fromHex(hex) } : rest;
  });
}

export function scenarioNames(): string[] {
  return readdirSync(FOLDER).sort();
}

export function readScenario(name: string): RecordedScenario {
  const folder = new URL(`${name}/`, FOLDER);
  const [head, ...events] = readLines(new URL('scenario.jsonl', folder));
  const expect = readLines(new URL('expect.jsonl', folder)) as unknown as RunRecord[];
  return { ...(head as unknown as RecordedScenario), events: events as unknown as ScenarioEvent[], expect };
}
