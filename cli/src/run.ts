/** run.ts — `packetwalk run FILE`: a script in virtual time, or real devices until a signal or the end of all input. */
import { ConfigError, Lab, type Log, type LogLevel, lineLog, type Plan, RX_PACKETS } from '@packetwalk/framework';
import { attachToHost, HostClock, HostRandom, hostSecret, tuneEngine } from '@packetwalk/framework/runtime';
import { ControlServer } from './control-server.ts';
import { jsonLine } from './json-lines.ts';
import { formatIssues, loadConfig, UnusableConfig } from './load-config.ts';
import type { Invocation } from './main.ts';
import { grouped, Progress } from './progress.ts';
import { runScript } from './script.ts';

const USAGE = `Usage: packetwalk run [ -v | -q ] [ --json ] FILE
Runs the router or lab of a config. With a script: in it, that is run in virtual time and the program ends.
Otherwise it runs until SIGINT or SIGTERM, or until all captures are read; a second signal skips the clean-up.
FILE may be "-". -v says more, -q less. --json prints an object a line: each command of the script, what it printed, its walk.
Exit status: 0 success, 1 something went wrong while it ran, 2 the config cannot be used, 130 ended by a second signal.
`;

/** Exit status of a program that a signal ended at once. */
const INTERRUPTED = 130;

export async function run({ args, router }: Invocation): Promise<number> {
  const files = args.filter((a) => !a.startsWith('-') || a === '-');
  const options = args.filter((a) => a.startsWith('-') && a !== '-');
  if (options.includes('-h') || options.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (files.length !== 1 || options.some((o) => !['-v', '-q', '--json'].includes(o))) {
    process.stderr.write(USAGE);
    return 2;
  }
  tuneEngine();
  try {
    const plan = await loadConfig(files[0]);
    if (plan.script.length > 0) {
      return await runScript(
        plan,
        (text) => process.stdout.write(text),
        (text) => process.stderr.write(text),
        options.includes('--json') ? jsonLine : null,
      );
    }
    const level: LogLevel = options.includes('-v') ? 'debug' : options.includes('-q') ? 'warn' : 'info';
    return await runLive(plan, router, level);
  } catch (error) {
    if (!(error instanceof UnusableConfig)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function runLive(plan: Plan, name: string | undefined, level: LogLevel): Promise<number> {
  const progress = new Progress();
  const lines = lineLog((line) => {
    progress.clear();
    process.stderr.write(`${line}\n`);
  }, level);
  // A run in which something went wrong (a capture broke off, a plugin threw) must not end as if nothing had.
  let status = 0;
  const log: Log = {
    ...lines,
    error(text) {
      status = 1;
      lines.error(text);
    },
  };
  let lab: Lab;
  try {
    lab = new Lab(plan, { clock: new HostClock(), random: new HostRandom(), log, secret: hostSecret });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${formatIssues(plan, error.issues)}\n`);
    return 2;
  }
  const ended = endOfRun(lab);
  const detach = attachToHost(lab.softirq);
  const watching = process.stderr.isTTY ? setInterval(() => showReplay(lab, progress), 100) : null;
  let control: ControlServer | undefined;
  try {
    await lab.start();
    control = await ControlServer.open(lab, name ?? plan.name);
    log.info(`${plan.name} is running; control socket ${control.path}`);
    await ended.promise;
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
  } finally {
    if (watching !== null) clearInterval(watching);
    progress.clear();
    ended.cancel();
    await control?.close();
    await lab.stop();
    detach();
  }
  return status;
}

/** The first signal, or the end of all input, ends the run; a second signal ends the process at once. */
function endOfRun(lab: Lab): { promise: Promise<void>; cancel: () => void } {
  let finish: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals > 1) process.exit(INTERRUPTED);
    finish();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  lab.softirq.onIdle = () => {
    if (inputExhausted(lab)) finish();
  };
  const cancel = (): void => {
    lab.softirq.onIdle = () => {};
  };
  return { promise, cancel };
}

/** How far the captures have been read that are replayed; nothing without any. */
function showReplay(lab: Lab, progress: Progress): void {
  const replays = [...lab.routers.values()].flatMap((r) => r.net.devices()).filter((dev) => dev.ops.progress !== undefined);
  if (replays.length === 0) return;
  const shares = replays.map((dev) => dev.ops.progress?.(dev) ?? null);
  const share = shares.includes(null) ? null : shares.reduce<number>((sum, part) => sum + (part ?? 0), 0) / shares.length;
  const packets = replays.reduce((sum, dev) => sum + dev.stats[RX_PACKETS], 0);
  progress.update(share, `${grouped(packets)} packets`);
}

/** Some device reads a capture, all that do have come to its end, and nothing else can bring packets in. */
export function inputExhausted(lab: Lab): boolean {
  const devices = [...lab.routers.values()].flatMap((r) => r.net.devices());
  const readers = devices.filter((dev) => dev.ops.poll !== undefined);
  return readers.length > 0 && readers.every((dev) => dev.ops.exhausted?.(dev) === true);
}
