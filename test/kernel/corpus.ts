/** corpus.ts — the recorded scenarios: what is sent at a router, and what the Linux kernel made of it. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readScenarioFile, type ScenarioFile } from '../../cli/src/scenario-file.ts';

const FOLDER = new URL('scenarios/', import.meta.url);

/** Names of all recorded scenarios, sorted. */
export function scenarioNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

export function scenarioPath(name: string): string {
  return fileURLToPath(new URL(`${name}.yaml`, FOLDER));
}

export function readScenario(name: string): ScenarioFile {
  return readScenarioFile(scenarioPath(name));
}

/** Families whose commands Packetwalk does not have all of yet, and single scenarios of others that need them. */
const NOT_FINISHED = /^(bridge|ebtables|vlan)-/;

/** Must Packetwalk do as the kernel? What it cannot do yet, it refuses: see recorded.test.ts. */
export function isBuilt(name: string): boolean {
  return !NOT_FINISHED.test(name);
}

/** Where Packetwalk is known to differ from the kernel, and in what; such a test passes as long as the difference is there. */
export const DIFFERS: Readonly<Record<string, string>> = {
  'sanity-ip-to-us': 'frames with a priority tag (VLAN 0) are not taken in',
};
