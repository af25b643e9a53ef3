/**
 * record.ts NAME… — plays scenarios through the kernel of this machine and writes its answers into their files. Needs
 * root; run it with Deno, or a Node that reads TypeScript: `node --conditions=source test/kernel/record.ts routing-ttl`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { parseScenario } from '../../cli/src/scenario-file.ts';
import { scenarioPath } from './corpus.ts';
import { playLive } from './live.ts';

/** What comes this soon after an event came of the event, not of a timer. */
const AT_ONCE_MS = 20;

for (const name of process.argv.slice(2)) {
  const file = scenarioPath(name);
  const text = readFileSync(file, 'utf8').replace(/^recorded: .*\n/m, '');
  const kernel = `linux-${release().split('.').slice(0, 2).join('.')}${isUml() ? '-uml' : ''}`;
  const named = text.replace(/^(about: .*\n)/m, `$1recorded: ${kernel}\n`);
  const { scenario, rewrite } = parseScenario(named, file);
  const records = (await playLive(scenario)).map((record) => {
    const caused = scenario.events[record.after]?.t ?? 0;
    return record.t - caused < AT_ONCE_MS ? { ...record, t: caused } : record;
  });
  writeFileSync(file, rewrite(records));
  process.stdout.write(`${name}: ${records.length} records of ${kernel}\n`);
}

/** The kernel is User-Mode Linux: it has what the machine's own has not, and runs the same program. */
function isUml(): boolean {
  return readFileSync('/proc/cpuinfo', 'utf8').includes('User Mode Linux');
}
