/** ipset/set-listing.ts — sets as `ipset list` and `ipset save` write them, as text, as commands, as XML. */
import { createWords } from './create-options.ts';
import type { SetPlace } from './ip-sets.ts';

export interface Listing {
  readonly mode: 'plain' | 'save' | 'xml';
  readonly sorted: boolean;
  /** Names alone; headers without members. */
  readonly names: boolean;
  readonly terse: boolean;
}

export function listSets(places: readonly SetPlace[], listing: Listing): string {
  const texts = places.map((place) => listSet(place, listing));
  if (listing.mode === 'xml') return `<ipsets>\n${texts.join('')}</ipsets>\n`;
  return texts.join(listing.mode === 'plain' && !listing.names ? '\n' : '');
}

function listSet({ name, set, references }: SetPlace, { mode, sorted, names, terse }: Listing): string {
  const { type, options } = set;
  if (mode === 'save') {
    const header = `create ${name} ${type.name}${headerText(createWords(type, options))}\n`;
    return names || terse
      ? header
      : header +
          set
            .members(sorted)
            .map((member) => `add ${name} ${member}\n`)
            .join('');
  }
  if (names) return mode === 'xml' ? `<ipset name="${name}"/>\n` : `${name}\n`;
  // Listing the members first lets go of those that have ended.
  const members = set.members(sorted);
  const header = createWords(type, options);
  if (mode === 'plain') {
    const lines = [
      `Name: ${name}`,
      `Type: ${type.name}`,
      `Revision: ${type.revision}`,
      `Header:${headerText(header)}`,
      `Size in memory: ${memory(set)}`,
      `References: ${references}`,
      `Number of entries: ${set.size}`,
      ...(terse ? [] : ['Members:', ...members]),
    ];
    return `${lines.join('\n')}\n`;
  }
  const tags = header.map(([key, value]) => (value === '' ? `<${key}/>` : `<${key}>${value}</${key}>`)).join('');
  const body = members.map((member) => `<member>${memberTags(member)}</member>\n`).join('');
  return [
    `<ipset name="${name}">\n<type>${type.name}</type>\n<revision>${type.revision}</revision>\n<header>${tags}\n`,
    `<memsize>${memory(set)}</memsize>\n<references>${references}</references>\n<numentries>${set.size}</numentries>\n</header>\n`,
    terse ? '' : `<members>\n${body}</members>\n`,
    '</ipset>\n',
  ].join('');
}

function headerText(words: readonly [string, string][]): string {
  return words.map(([key, value]) => ` ${key}${value === '' ? '' : ` ${value}`}`).join('');
}

/** About what the kernel would say. */
function memory({ type, size, options }: SetPlace['set']): number {
  const [empty, each] = type.memory;
  const places = type.method === 'bitmap' ? Math.ceil((options.last - options.first + 1) / 64) * 8 : 0;
  return empty + places + size * each;
}

/** `1.1.1.1 timeout 5 comment "x"` → `<elem>1.1.1.1</elem><timeout>5</timeout><comment>"x"</comment>` */
function memberTags(member: string): string {
  const words = member.match(/"[^"]*"|\S+/g) ?? [];
  let text = `<elem>${words[0]}</elem>`;
  for (let i = 1; i < words.length; i++) {
    const name = words[i];
    text += name === 'nomatch' || name === 'wildcard' ? `<${name}/>` : `<${name}>${words[++i]}</${name}>`;
  }
  return text;
}
