/** matches.ts — the matches that come with netfilter, one file each; plugins add theirs through the token Xtables. */
import type { XtMatch } from '@packetwalk/framework';
import { ttl } from './match/ttl.ts';

export const MATCHES: readonly XtMatch[] = [ttl];
