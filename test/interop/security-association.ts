/**
 * security-association.ts — pairs of security associations between a router and a kernel guest, in lines of `ip xfrm`:
 *
 *      10.1.0.0/24 ── router 10.8.0.1 ═══ 10.8.0.2 guest ── 10.2.0.1
 */

/** A transform: what follows the mode in `ip xfrm state add`, with keys that `seed` makes differ by direction. */
export interface Transform {
  readonly proto: 'esp' | 'ah' | 'comp';
  words(seed: number): string;
}

function key(octets: number, seed: number): string {
  return `0x${Array.from({ length: octets }, (_, i) => ((seed + 7 * i) & 255).toString(16).padStart(2, '0')).join('')}`;
}

function aead(name: string, octets: number, icvBits: number): Transform {
  return { proto: 'esp', words: (seed) => `aead '${name}' ${key(octets, seed)} ${icvBits}` };
}

const MACS = {
  'SHA-1-96': ['hmac(sha1)', 20, 96],
  'SHA-256-128': ['hmac(sha256)', 32, 128],
  'SHA-384-192': ['hmac(sha384)', 48, 192],
  'SHA-512-256': ['hmac(sha512)', 64, 256],
} as const;
type MacName = keyof typeof MACS;

function mac(name: MacName, seed: number): string {
  const [algorithm, octets, bits] = MACS[name];
  return `auth-trunc '${algorithm}' ${key(octets, seed + 100)} ${bits}`;
}

const CIPHERS = {
  'AES-128-CBC': ['cbc(aes)', 16],
  'AES-192-CBC': ['cbc(aes)', 24],
  'AES-256-CBC': ['cbc(aes)', 32],
  'AES-128-CTR': ['rfc3686(ctr(aes))', 20],
  'AES-192-CTR': ['rfc3686(ctr(aes))', 28],
  'AES-256-CTR': ['rfc3686(ctr(aes))', 36],
  NULL: ['ecb(cipher_null)', 0],
} as const;

/** Every suite that xfrm has, by name. */
export const TRANSFORMS: ReadonlyMap<string, Transform> = new Map([
  ...[128, 192, 256].flatMap((bits) =>
    [8, 12, 16].map((icv) => [`AES-${bits}-GCM-${icv}`, aead('rfc4106(gcm(aes))', bits / 8 + 4, icv * 8)] as const),
  ),
  ['ChaCha20-Poly1305', aead('rfc7539esp(chacha20,poly1305)', 36, 128)] as const,
  ...Object.entries(CIPHERS).flatMap(([cipher, [algorithm, octets]]) =>
    (Object.keys(MACS) as MacName[]).map(
      (name) =>
        [
          `${cipher} ${name}`,
          { proto: 'esp', words: (seed) => `enc '${algorithm}' ${octets === 0 ? "''" : key(octets, seed)} ${mac(name, seed)}` },
        ] as const satisfies [string, Transform],
    ),
  ),
  // Without integrity, and with Linux's own cut of SHA-256.
  ['AES-128-CBC alone', { proto: 'esp', words: (seed) => `enc 'cbc(aes)' ${key(16, seed)}` }] as const satisfies [string, Transform],
  [
    'AES-128-CBC SHA-256-96',
    { proto: 'esp', words: (seed) => `enc 'cbc(aes)' ${key(16, seed)} auth 'hmac(sha256)' ${key(32, seed + 100)}` },
  ] as const satisfies [string, Transform],
  ...(Object.keys(MACS) as MacName[]).map(
    (name) => [`AH ${name}`, { proto: 'ah', words: (seed) => mac(name, seed) }] as const satisfies [string, Transform],
  ),
  ['deflate', { proto: 'comp', words: () => 'comp deflate' }] as const satisfies [string, Transform],
]);

/** One transform of a chain, the innermost first. */
export interface Link {
  readonly transform: string;
  readonly mode: 'tunnel' | 'transport';
  /** Other words of the state: replay-window, flag, encap. */
  readonly words?: string;
  /** `level use` for what comes in: short packets are not compressed. */
  readonly optional?: boolean;
}

/** What both ends need. */
export interface Ends {
  /** Ends in transport mode have no networks behind them. */
  readonly tunnel: boolean;
  /** Lines behind `ip xfrm state add`, the same at both ends. */
  readonly states: readonly string[];
  /** Lines behind `ip xfrm policy add`. */
  readonly router: readonly string[];
  readonly guest: readonly string[];
}

const ROUTER = '10.8.0.1';
const GUEST = '10.8.0.2';

function templates(chain: readonly Link[], src: string, dst: string, incoming: boolean): string {
  return chain
    .map(({ transform, mode, optional }, i) => {
      const ends = mode === 'tunnel' ? `src ${src} dst ${dst} ` : '';
      return `tmpl ${ends}proto ${TRANSFORMS.get(transform)!.proto} reqid ${i + 1} mode ${mode}${incoming && optional === true ? ' level use' : ''}`;
    })
    .join(' ');
}

/** The lines that make both ends of a chain of transforms. */
export function endsOf(chain: readonly Link[]): Ends {
  const tunnel = chain.some(({ mode }) => mode === 'tunnel');
  const states = chain.flatMap(({ transform, mode, words = '' }, i) =>
    [
      [ROUTER, GUEST, 0x1001 + 16 * i],
      [GUEST, ROUTER, 0x1002 + 16 * i],
    ].map(([src, dst, spi]) => {
      const { proto, words: algorithm } = TRANSFORMS.get(transform)!;
      return `src ${src} dst ${dst} proto ${proto} spi ${spi} reqid ${i + 1} mode ${mode} ${words} ${algorithm(Number(spi))}`;
    }),
  );
  const [near, far] = tunnel ? ['10.1.0.0/24', '10.2.0.0/24'] : [ROUTER, GUEST];
  const toGuest = `src ${near} dst ${far}`;
  const toRouter = `src ${far} dst ${near}`;
  const out = (src: string, dst: string): string => templates(chain, src, dst, false);
  const into = (src: string, dst: string): string => templates(chain, src, dst, true);
  return {
    tunnel,
    states,
    router: [
      `${toGuest} dir out ${out(ROUTER, GUEST)}`,
      `${toRouter} dir in ${into(GUEST, ROUTER)}`,
      ...(tunnel ? [`${toRouter} dir fwd ${into(GUEST, ROUTER)}`] : []),
    ],
    guest: [`${toRouter} dir out ${out(GUEST, ROUTER)}`, `${toGuest} dir in ${into(ROUTER, GUEST)}`],
  };
}
