/**
 * completion.ts — `packetwalk completion bash|zsh|fish`: made from the subcommands and from the commands that the built-in
 * plugins register.
 */
import { type Command, Lab, parseConfig, SeededRandom, silentLog, VirtualClock } from '@packetwalk/framework';
import { hostSecret } from '@packetwalk/framework/runtime';
import { bashCompletion, type CompletionWord, fishCompletion, zshCompletion } from './completion-scripts.ts';
import { jsonLine } from './json-lines.ts';
import { loadDocument } from './load-config.ts';
import { BUILT_IN_PLUGINS } from './load-plugin.ts';
import type { Invocation } from './main.ts';
import { SUBCOMMANDS } from './subcommands.ts';

const SHELLS: Readonly<Record<string, (words: readonly CompletionWord[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

const USAGE = `Usage: packetwalk completion bash | zsh | fish | --json
Writes what the shell needs to complete packetwalk's commands. To have it from now on:
  bash  packetwalk completion bash > ~/.local/share/bash-completion/completions/packetwalk
  zsh   packetwalk completion zsh > DIR/_packetwalk      in a DIR of your fpath
  fish  packetwalk completion fish > ~/.config/fish/completions/packetwalk.fish
--json prints the commands themselves, an object a line.
`;

export async function completion({ args }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [shell] = args;
  const json = shell === '--json';
  if (args.length !== 1 || (!json && !Object.hasOwn(SHELLS, shell))) {
    process.stderr.write(USAGE);
    return 2;
  }
  const own = Object.entries(SUBCOMMANDS).map(([word, { summary }]) => ({ word, summary, next: [] }));
  const routers = withFamilies(await registeredCommands()).filter(({ word }) => !Object.hasOwn(SUBCOMMANDS, word));
  if (json) for (const word of [...own, ...routers]) jsonLine(word);
  else process.stdout.write(SHELLS[shell]([...own, ...routers]));
  return 0;
}

/** The commands of a router with all built-in plugins; of the FIB backends one. */
export async function registeredCommands(): Promise<readonly Command[]> {
  const plugins = Object.keys(BUILT_IN_PLUGINS).filter((name) => !name.startsWith('fib-') || name === 'fib-trie');
  const name = 'completion.yaml';
  const plan = await loadDocument(parseConfig(`plugins: [${plugins.join(', ')}]\n`, name), name, (issues) =>
    issues.map((issue) => issue.message),
  );
  const lab = new Lab(plan, { clock: new VirtualClock(), random: new SeededRandom(1), log: silentLog, dry: true, secret: hostSecret });
  const [router] = lab.routers.values();
  const commands = router.commands.all();
  router.dispose();
  return commands;
}

/** Puts `ip addr`, `ip route` … behind `ip`. */
function withFamilies(commands: readonly Command[]): CompletionWord[] {
  return commands
    .filter(({ name }) => !name.includes(' '))
    .map(({ name, summary }) => {
      const family = commands.filter((other) => other.name.startsWith(`${name} `));
      const next = family.map((other) => ({ word: other.name.slice(name.length + 1), summary: other.summary }));
      return { word: name, summary, next };
    });
}
