/** script.ts — the `script:` of a config: commands in virtual time, each with what it printed and the walk it caused. */
import {
  BufferIo,
  ConfigError,
  Lab,
  lineLog,
  type Plan,
  type Router,
  type ScriptStep,
  SeededRandom,
  splitWords,
  type TraceRecord,
  VirtualClock,
  walkText,
} from '@packetwalk/framework';
import { hostSecret } from '@packetwalk/framework/runtime';
import { formatIssues } from './load-config.ts';

/** The routers of a config in virtual time, not started; null when the config is wrong, and `err` was told why. */
export function virtualLab(plan: Plan, err: (text: string) => void): Lab | null {
  const log = lineLog((line) => err(`${line}\n`), 'warn');
  try {
    return new Lab(plan, { clock: new VirtualClock(), random: new SeededRandom(1), log, secret: hostSecret });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${formatIssues(plan, error.issues)}\n`);
    return null;
  }
}

/** What became of a step. */
interface StepResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The walk that it caused, as text. */
  readonly walk?: string;
}

/**
 * Runs the script and writes to `out`, or with `json` gives it an object a step. Returns the exit status: 1 when a command
 * could not be run at all.
 */
export async function runScript(
  plan: Plan,
  out: (text: string) => void,
  err: (text: string) => void,
  json: ((object: object) => void) | null = null,
): Promise<number> {
  const lab = virtualLab(plan, err);
  if (lab === null) return 2;
  await lab.start();
  let status = 0;
  try {
    for (const [i, step] of plan.script.entries()) {
      const router = (step.router === undefined ? lab.routers.values().next().value : lab.router(step.router)) as Router;
      if (json === null) {
        if (i > 0) out('\n');
        if (step.note !== undefined) out(`${step.note}\n`);
        const prompt = step.router === undefined ? '' : `${step.router} `;
        out(`${prompt}$ ${step.run}\n`);
      }
      const result = await runStep(lab, router, step);
      if (result.status === COMMAND_NOT_FOUND) status = 1;
      if (json !== null) {
        json({ router: router.name, run: step.run, ...(step.note === undefined ? {} : { note: step.note }), ...result });
        continue;
      }
      out(result.stdout);
      err(result.stderr);
      if (result.walk !== undefined) out(result.walk);
    }
  } finally {
    await lab.stop();
  }
  return status;
}

const COMMAND_NOT_FOUND = 127;

async function runStep(lab: Lab, router: Router, step: ScriptStep): Promise<StepResult> {
  const records: TraceRecord[] = [];
  const stop = step.trace === true ? traceFirst(lab, records) : () => {};
  const io = new BufferIo();
  const result = router.commands.run(splitWords(step.run), io);
  const status = typeof result === 'number' ? result : await settle(lab, result);
  lab.softirq.runToCompletion();
  stop();
  const { stdout, stderr } = io;
  return { status, stdout, stderr, ...(records.length > 0 ? { walk: walkText(records) } : {}) };
}

/** Records the walk of the first packet that is sent or comes in, and of the answers it causes. */
function traceFirst(lab: Lab, records: TraceRecord[]): () => void {
  let chosen = false;
  const first = (): boolean => {
    const taken = !chosen;
    chosen = true;
    return taken;
  };
  return lab.tracer.watch(first, (record) => records.push(record));
}

/** Moves virtual time on until a command that takes some has ended. */
export async function settle(lab: Lab, ending: Promise<number>): Promise<number> {
  let status: number | null = null;
  const watched = ending.then((value) => {
    status = value;
  });
  const { softirq } = lab;
  for (;;) {
    softirq.runToCompletion();
    await new Promise((resolve) => setImmediate(resolve));
    if (status !== null) break;
    const next = softirq.timers.earliest();
    if (next === Number.POSITIVE_INFINITY) throw new Error('a command waits for what never comes');
    softirq.advanceTo(next);
  }
  await watched;
  return status;
}
