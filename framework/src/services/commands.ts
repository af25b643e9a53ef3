/** services/commands.ts — the command registry of a router, for commands that run or list others. */
import type { CommandRegistry } from '../command.ts';
import { type Token, token } from '../token.ts';

export const Commands: Token<CommandRegistry> = token<CommandRegistry>('Commands');
