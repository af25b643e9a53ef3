/** command/option-index.ts — long options of extensions: ebtables has no `-m`, the option alone says whose it is. */
import type { Ebtables, EbtExtension, EbtMatch, EbtOption, EbtTarget, EbtWatcher } from '@packetwalk/framework';

export type Owner =
  | { readonly kind: 'match'; readonly extension: EbtMatch }
  | { readonly kind: 'watcher'; readonly extension: EbtWatcher }
  | { readonly kind: 'target'; readonly extension: EbtTarget };

export interface FoundOption {
  readonly owner: Owner;
  /** Its first name. */
  readonly name: string;
  readonly option: EbtOption<unknown>;
}

/** All options by all their names; made anew for each line, since plugins may add extensions at any time. */
export class OptionIndex {
  private readonly options = new Map<string, FoundOption>();

  constructor({ matches, watchers, targets }: Ebtables) {
    for (const extension of matches.values()) this.add({ kind: 'match', extension }, extension);
    for (const extension of watchers.values()) this.add({ kind: 'watcher', extension }, extension);
    for (const extension of targets.values()) this.add({ kind: 'target', extension }, extension);
  }

  private add(owner: Owner, extension: EbtExtension<unknown>): void {
    for (const [name, option] of Object.entries(extension.options)) {
      for (const alias of [name, ...(option.aliases ?? [])]) this.options.set(alias, { owner, name, option });
    }
  }

  names(): Iterable<string> {
    return this.options.keys();
  }

  get(name: string): FoundOption | undefined {
    return this.options.get(name);
  }
}

/** The name that was meant: itself, or the only one that begins so (getopt_long). */
export function completeOption(text: string, names: Iterable<string>): string | undefined {
  const found: string[] = [];
  for (const name of names) {
    if (name === text) return name;
    if (name.startsWith(text)) found.push(name);
  }
  return found.length === 1 ? found[0] : undefined;
}
