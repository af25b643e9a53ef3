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

/** Families whose commands Packetwalk does not have yet, and single scenarios of others that need them. */
const NOT_BUILT = /^(bridge|conntrack|ebtables|filter|ipsec|mangle|nat|vlan)-|^(fragment-conntrack|policy-mixed|policy-rules)$/;

/** Can Packetwalk play it? What it cannot, it refuses: see recorded.test.ts. */
export function isBuilt(name: string): boolean {
  return !NOT_BUILT.test(name);
}
