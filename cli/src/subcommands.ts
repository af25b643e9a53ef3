/** subcommands.ts — what `packetwalk` does itself; every other command is a router's. Each is imported when it is used. */
import type { Invocation } from './main.ts';

export type Subcommand = (invocation: Invocation) => Promise<number>;

export interface SubcommandEntry {
  /** One line for shells' completion. */
  readonly summary: string;
  readonly load: () => Promise<Subcommand>;
}

export const SUBCOMMANDS: Readonly<Record<string, SubcommandEntry>> = {
  run: { summary: 'run the router or lab of a config', load: async () => (await import('./run.ts')).run },
  check: { summary: 'say everything that is wrong with configs', load: async () => (await import('./check.ts')).check },
  schema: { summary: 'write the JSON Schema of configs', load: async () => (await import('./schema.ts')).schema },
  trace: { summary: 'print the walks of packets', load: async () => (await import('./trace.ts')).trace },
  capture: { summary: 'print or save the packets of a running router', load: async () => (await import('./capture.ts')).capture },
  scenario: { summary: 'play a compiled scenario', load: async () => (await import('./play.ts')).play },
  test: {
    summary: 'play scenarios and compare what came out',
    load: async () => (await import('./test-scenarios.ts')).testScenarios,
  },
  init: { summary: 'begin a config or a plugin', load: async () => (await import('./init.ts')).init },
  version: { summary: 'print the version', load: async () => (await import('./version.ts')).printVersion },
  completion: { summary: 'write completions for a shell', load: async () => (await import('./completion.ts')).completion },
};
