/** targets.ts — the targets that come with netfilter, one file each; plugins add theirs through the token Xtables. */
import type { XtTarget } from '@packetwalk/framework';

export const TARGETS: readonly XtTarget[] = [];
