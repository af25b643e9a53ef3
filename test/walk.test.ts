/**
 * The picture of the walk in framework/README.md is true: every function is in the file it names, and a packet's recorded
 * walk goes through the stages in the picture's order.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BufferIo, Lab, SeededRandom, silentLog, splitWords, type TraceRecord, VirtualClock } from '@packetwalk/framework';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../cli/src/load-config.ts';

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const readme = readFileSync(path('framework/README.md'), 'utf8');
const picture = readme.split('```')[1];

/** Function and file of each line that has both. */
const places = [...picture.matchAll(/([\w.]+)\s+((?:framework|plugins)\/[\w/-]+\.ts)/g)].map(([, name, file]) => ({ name, file }));

/** The walk of the first packet of `ping -c 1 10.0.2.2` from a, in configs/hello.yaml. */
async function recordWalk(): Promise<TraceRecord[]> {
  const plan = await loadConfig(path('configs/hello.yaml'));
  const lab = new Lab(plan, { clock: new VirtualClock(), random: new SeededRandom(1), log: silentLog });
  const records: TraceRecord[] = [];
  let chosen = false;
  lab.tracer.filter = () => {
    const first = !chosen;
    chosen = true;
    return first;
  };
  lab.tracer.listen((record) => records.push(record));
  await lab.start();
  const status = lab.router('a')?.commands.run(splitWords('ping -c 1 10.0.2.2'), new BufferIo());
  lab.softirq.runToCompletion();
  expect(await status).toBe(0);
  await lab.stop();
  expect(lab.softirq.pool.inUse).toBe(0);
  return records;
}

describe('framework/README.md', () => {
  it('names functions that are in the files it names', () => {
    expect(places.length).toBeGreaterThan(15);
    for (const { name, file } of places) {
      const source = readFileSync(path(file), 'utf8');
      const member = name.split('.').at(-1) as string;
      const definition = new RegExp(`(function ${member}\\b|\\b${member}\\(|\\b${member}: Neigh)`);
      const hook = name.startsWith('NF_INET_');
      if (!hook) expect(source, `${name} in ${file}`).toMatch(definition);
    }
  });

  it('shows the stages in the order that a forwarded packet takes', async () => {
    const onRouter = (await recordWalk()).filter((r) => r.router === 'r' && r.dev !== '').map((r) => r.name);
    const forward = onRouter.slice(0, onRouter.indexOf('devQueueXmit') + 1);
    const inPicture = forward.filter((name, i) => picture.includes(name) && forward.indexOf(name) === i);
    expect(inPicture).toEqual([
      'netifReceiveSkb',
      'ipRcv',
      'NF_INET_PRE_ROUTING',
      'ipRcvFinish',
      'ipForward',
      'NF_INET_FORWARD',
      'ipOutput',
      'NF_INET_POST_ROUTING',
      'ipFinishOutput2',
      'devQueueXmit',
    ]);
    const order = inPicture.map((name) => picture.search(new RegExp(`\\b${name}\\b`)));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('links files and folders that exist', () => {
    for (const [, name] of readme.matchAll(/`(src\/[\w/.-]+)`/g)) {
      expect(() => readFileSync(path(`framework/${name}`))).not.toThrow(/ENOENT/);
    }
  });
});
