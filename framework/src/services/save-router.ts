/** services/save-router.ts — the running router as a config, for whoever prints or keeps it. */
import type { SavedConfig } from '../saved-config.ts';
import { type Token, token } from '../token.ts';

export interface SaveRouter {
  save(): SavedConfig;
}

export const SaveRouter: Token<SaveRouter> = token<SaveRouter>('SaveRouter');
