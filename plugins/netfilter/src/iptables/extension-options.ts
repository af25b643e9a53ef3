/**
 * iptables/extension-options.ts — the options of one match or target of a rule, collected and checked against each other
 * (cf. iptables' libxtables/xtoptions.c).
 */
import {
  type XtArgument,
  type XtExtension,
  type XtGiven,
  type XtOption,
  type XtOptionTable,
  type XtParsed,
  XtProblem,
  type XtRule,
} from '@packetwalk/framework';

export class ExtensionOptions<X extends XtExtension<unknown>> {
  readonly extension: X;
  private order = 0;
  private readonly given = new Map<string, XtGiven<unknown>[]>();

  constructor(extension: X) {
    this.extension = extension;
  }

  /** The option of that name, or that it is another name for. */
  option(name: string): XtOption {
    return this.extension.options[this.canonical(name)];
  }

  private canonical(name: string): string {
    return this.extension.options[name].alias ?? name;
  }

  /** An option was given; throws XtProblem for what cannot be. */
  add(name: string, invert: boolean, text: string | undefined, second: string | undefined): void {
    this.named(() => this.addOption(this.canonical(name), invert, text, second));
  }

  private addOption(name: string, invert: boolean, text: string | undefined, second: string | undefined): void {
    const { extension, given } = this;
    const option = this.option(name);
    const before = given.get(name);
    if (before !== undefined && option.multiple !== true) {
      throw new XtProblem(option.twice ?? `${extension.name}: option "--${name}" can only be used once.\n`);
    }
    if (invert && option.invert !== true) throw new XtProblem(`${extension.name}: option "--${name}" cannot be inverted.\n`);
    const at: XtArgument = {
      extension: extension.name,
      option: name,
      second,
      bad: () => new XtProblem(`${extension.name}: Bad value for "--${name}" option: "${text}"`),
    };
    const value = option.value === undefined ? true : option.value(text as string, at);
    given.set(name, [...(before ?? []), { value, invert, order: this.order++ }]);
  }

  /** What the extension makes of them, all being given. */
  finish(rule: XtRule): unknown {
    return this.named(() => this.init(rule));
  }

  private init(rule: XtRule): unknown {
    const { extension, given } = this;
    const parsed: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(extension.options)) {
      const values = given.get(name);
      if (values === undefined) {
        if (option.mandatory === true) throw new XtProblem(`${extension.name}: option "--${name}" must be specified\n`);
        continue;
      }
      this.checkOthers(name, option);
      parsed[name] = option.multiple === true ? values : values[0];
    }
    return extension.init(parsed as XtParsed<XtOptionTable>, rule);
  }

  /** What an option needs beside it, and what it cannot stand with. */
  private checkOthers(name: string, option: XtOption): void {
    const { extension, given } = this;
    for (const other of Object.keys(extension.options)) {
      if (option.also?.includes(other) === true && !given.has(other)) {
        throw new XtProblem(`${extension.name}: option "--${name}" also requires "--${other}".\n`);
      }
      if (option.excludes?.includes(other) === true && given.has(other)) {
        throw new XtProblem(`${extension.name}: option "--${name}" cannot be used together with "--${other}".\n`);
      }
    }
  }

  /** Problems that `work` throws are about this extension. */
  private named<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof XtProblem) error.about = this.extension.name;
      throw error;
    }
  }
}
