/** trace.ts — `packetwalk trace`: walks of packets, in a running router or of a config played in virtual time. */
import { existsSync } from 'node:fs';
import {
  BufferIo,
  CommandError,
  type Lab,
  type Plan,
  readTraceArgs,
  splitWords,
  TRACE_USAGE,
  type TraceRequest,
  WalkPrinter,
} from '@packetwalk/framework';
import { sendCommand } from './control-client.ts';
import { loadConfig, UnusableConfig } from './load-config.ts';
import type { Invocation } from './main.ts';
import { inputExhausted } from './run.ts';
import { settle, virtualLab } from './script.ts';

const USAGE = `${TRACE_USAGE.replace('Usage: trace', 'Usage: packetwalk [ -r NAME ] trace').replace('[ FILTER ]\n', '[ FILTER ] [ CONFIG ]\n')}
Without CONFIG the packets are those of a running router, until Ctrl-C. With CONFIG (a file that exists, or a name in
.yaml or .yml) they are those of its script, or of the captures it reads, in virtual time; what it writes is written.
`;

export async function trace({ args, router }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const file = args.at(-1);
  const isConfig = file !== undefined && (/\.ya?ml$/.test(file) || (file.includes('/') && existsSync(file)));
  try {
    // What is wrong with the arguments is known before a router is asked.
    const request = readTraceArgs(isConfig ? args.slice(0, -1) : args);
    if (!isConfig) return await sendCommand({ argv: ['trace', ...args], router });
    return await traceConfig(await loadConfig(file), request);
  } catch (error) {
    if (!(error instanceof UnusableConfig || error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function traceConfig(plan: Plan, request: TraceRequest): Promise<number> {
  const lab = virtualLab(plan, (text) => process.stderr.write(text));
  if (lab === null) return 2;
  const printer = new WalkPrinter((text) => process.stdout.write(text), request);
  let taken = 0;
  const unwatch = lab.tracer.watch(
    (skb) => {
      if (taken >= request.count || !request.filter.skb(skb)) return false;
      taken++;
      return true;
    },
    (record) => printer.push(record),
  );
  await lab.start();
  try {
    if (plan.script.length > 0) await playScript(lab, plan, printer);
    else if (!readsCaptures(lab)) throw new CommandError(`${plan.name}: it has no script and reads no captures; trace it while it runs`);
    else playCaptures(lab, printer);
  } finally {
    await lab.stop();
    unwatch();
  }
  printer.finish();
  return 0;
}

async function playScript(lab: Lab, plan: Plan, printer: WalkPrinter): Promise<void> {
  for (const { router: name, run } of plan.script) {
    const router = name === undefined ? lab.routers.values().next().value : lab.router(name);
    const result = router?.commands.run(splitWords(run), new BufferIo());
    if (result instanceof Promise) await settle(lab, result);
    lab.softirq.runToCompletion();
    printer.settle(lab.softirq.jiffies);
  }
}

function readsCaptures(lab: Lab): boolean {
  const devices = [...lab.routers.values()].flatMap((r) => r.net.devices());
  return devices.some((dev) => dev.ops.exhausted !== undefined);
}

/** Reads all captures; then time goes on until no packet waits any more (for a neighbour, for fragments). */
function playCaptures(lab: Lab, printer: WalkPrinter): void {
  const { softirq } = lab;
  softirq.runToCompletion();
  for (let next = softirq.timers.earliest(); mayMove(lab) && next !== Number.POSITIVE_INFINITY; next = softirq.timers.earliest()) {
    softirq.advanceTo(next);
    softirq.runToCompletion();
    printer.settle(softirq.jiffies);
  }
}

function mayMove(lab: Lab): boolean {
  return !inputExhausted(lab) || lab.softirq.pool.inUse > 0;
}
