/** load-config.ts — from a file's name to a checked plan, with the messages that people see. */
import { readFileSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import {
  type ConfigDocument,
  ConfigError,
  type ConfigIssue,
  checkPlan,
  formatPath,
  type Plan,
  parseConfig,
  planConfig,
  SeededRandom,
  silentLog,
  suggestion,
  VirtualClock,
} from '@packetwalk/framework';
import { hostSecret } from '@packetwalk/framework/runtime';
import { BUILT_IN_PLUGINS, loadPlugin, PluginError } from './load-plugin.ts';

/** The config cannot be used: lines for standard error. */
export class UnusableConfig extends Error {
  override readonly name = 'UnusableConfig';
}

/** Reads, loads and checks a config. Nothing is opened. Throws UnusableConfig with everything that is wrong. */
export function loadConfig(file: string): Promise<Plan> {
  const doc = parseConfig(readConfigText(file), file);
  return loadDocument(doc, file, (issues) => doc.sort(issues).map((i) => doc.format(i)));
}

/** The same for a config that was read already; `file` is where its relative paths start, `format` tells its issues. */
export async function loadDocument(doc: ConfigDocument, file: string, format: (issues: readonly ConfigIssue[]) => string[]): Promise<Plan> {
  const { plan, issues } = await planConfig(doc, {
    load: (use) => load(use, file),
    baseDir: dirname(resolve(file)),
    name: basename(file, extname(file)),
  });
  const all = plan === null ? issues : [...issues, ...buildDry(plan, issues)];
  if (plan === null || all.length > 0) throw new UnusableConfig(format(all).join('\n'));
  return plan;
}

/** Codes of issues that do not follow from others: a line that cannot be read, a setting that does not exist. */
const INDEPENDENT = new Set(['bad-line', 'sysctl']);

/** What building the routers finds wrong. With `known` issues, only what has nothing to do with those. */
function buildDry(plan: Plan, known: readonly ConfigIssue[]): readonly ConfigIssue[] {
  try {
    checkPlan(plan, { clock: new VirtualClock(), random: new SeededRandom(1), log: silentLog, secret: hostSecret });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      if (known.length === 0) return error.issues;
      const told = new Set(known.map((i) => formatPath(i.path)));
      return error.issues.filter((i) => INDEPENDENT.has(i.code) && !told.has(formatPath(i.path)));
    }
    // A config that the schema refused may break anything.
    if (known.length > 0) return [];
    throw error;
  }
}

/** Messages of a ConfigError that came later, when the plan was carried out. */
export function formatIssues(plan: Plan, issues: readonly ConfigIssue[]): string {
  return issues.map((i) => plan.doc.format(i)).join('\n');
}

async function load(use: string, file: string): ReturnType<typeof loadPlugin> {
  try {
    return await loadPlugin(use, file);
  } catch (error) {
    if (error instanceof PluginError && error.code === 'unknown-plugin' && !use.startsWith('.')) {
      throw new Error(`${error.message}${suggestion(use, Object.keys(BUILT_IN_PLUGINS))}`);
    }
    throw error;
  }
}

/** Text of a config file, `-` for standard input. Throws UnusableConfig. */
export function readConfigText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : code === 'EISDIR' ? 'is a directory' : String(error);
    throw new UnusableConfig(`${file}: ${reason}`);
  }
}
