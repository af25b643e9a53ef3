/** completion-scripts.ts — completions as bash, zsh and fish read them. */

/** A first word of a command line, and the second words that may follow it; without any, files may. */
export interface CompletionWord {
  readonly word: string;
  readonly summary: string;
  readonly next: readonly { readonly word: string; readonly summary: string }[];
}

/** A word or text as a shell's single-quoted string. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const joined = (words: readonly { readonly word: string }[]): string => words.map(({ word }) => word).join(' ');
const families = (words: readonly CompletionWord[]): CompletionWord[] => words.filter(({ next }) => next.length > 0);

export function bashCompletion(words: readonly CompletionWord[]): string {
  const cases = families(words).map(
    ({ word, next }) => `    ${word}) ((COMP_CWORD == i + 1)) && COMPREPLY=($(compgen -W ${quoted(joined(next))} -- "$current")) ;;\n`,
  );
  return `# packetwalk: completions for bash
_packetwalk() {
  local current=\${COMP_WORDS[COMP_CWORD]} i=1
  COMPREPLY=()
  while ((i < COMP_CWORD)) && [[ \${COMP_WORDS[i]} == -* ]]; do
    case \${COMP_WORDS[i]} in
    -r | --router) ((i += 2)) ;;
    *) ((i += 1)) ;;
    esac
  done
  ((i > COMP_CWORD)) && return
  if ((i == COMP_CWORD)); then
    COMPREPLY=($(compgen -W ${quoted(`${joined(words)} -r --router -h --help -V --version`)} -- "$current"))
    return
  fi
  case \${COMP_WORDS[i]} in
${cases.join('')}    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _packetwalk packetwalk
`;
}

export function zshCompletion(words: readonly CompletionWord[]): string {
  const list = (name: string, entries: readonly { readonly word: string; readonly summary: string }[]): string =>
    `  local -a ${name}=(\n${entries.map(({ word, summary }) => `    ${quoted(`${word}:${summary}`)}\n`).join('')}  )\n`;
  const cases = families(words).map(
    ({ word, next }) => `    ${word})\n  ${list('inner', next)}      ((CURRENT == 2)) && _describe ${quoted(word)} inner\n      ;;\n`,
  );
  return `#compdef packetwalk
# packetwalk: completions for zsh
_packetwalk() {
  local state line
${list('commands', words)}  _arguments -C \\
    '(-r --router)'{-r,--router}'[which running router]:router:' \\
    '(-h --help)'{-h,--help}'[print help]' \\
    '(-V --version)'{-V,--version}'[print the version]' \\
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
  command) _describe command commands ;;
  argument)
    case $words[1] in
${cases.join('')}    *) _files ;;
    esac
    ;;
  esac
}
if [[ $funcstack[1] == _packetwalk ]]; then _packetwalk "$@"; else compdef _packetwalk packetwalk; fi
`;
}

export function fishCompletion(words: readonly CompletionWord[]): string {
  const first = words.map(
    ({ word, summary }) => `complete -c packetwalk -f -n __fish_use_subcommand -a ${quoted(word)} -d ${quoted(summary)}\n`,
  );
  const second = families(words).flatMap(({ word, next }) => {
    const inner = joined(next);
    const open = `__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${inner}`;
    return next.map((other) => `complete -c packetwalk -f -n ${quoted(open)} -a ${quoted(other.word)} -d ${quoted(other.summary)}\n`);
  });
  return `# packetwalk: completions for fish
complete -c packetwalk -s r -l router -x -d 'which running router'
complete -c packetwalk -s h -l help -d 'print help'
complete -c packetwalk -s V -l version -d 'print the version'
${first.join('')}${second.join('')}`;
}
