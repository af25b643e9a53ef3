/** match/comment.ts — `-m comment`: words for people; always true (cf. Linux net/netfilter/xt_comment.c). */
import { defineMatch, type XtMatch, xtString } from '@packetwalk/framework';
import { quoted } from './quoted.ts';

export const comment: XtMatch = defineMatch({
  name: 'comment',
  pure: true,
  options: { comment: { value: xtString(255), mandatory: true } },
  init: ({ comment: { value } }) => ({ comment: value }),
  save: ({ comment }) => `--comment ${quoted(comment)}`,
  print: ({ comment }) => `/* ${comment} */`,
  match: () => true,
});
