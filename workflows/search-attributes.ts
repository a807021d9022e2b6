import { defineSearchAttributeKey } from '@temporalio/common';

/** What rounds and windows are listed and grouped by; SQL visibility has ten keyword slots and three for integers. */
export const NET_UID = defineSearchAttributeKey('NetUid', 'KEYWORD');
export const HOTKEY = defineSearchAttributeKey('Hotkey', 'KEYWORD');
export const PHASE = defineSearchAttributeKey('RoundPhase', 'KEYWORD');
export const OUTCOME = defineSearchAttributeKey('Outcome', 'KEYWORD');
export const EPOCH = defineSearchAttributeKey('Epoch', 'INT');
export const WINDOW = defineSearchAttributeKey('WindowIndex', 'INT');
export const MINERS_SCORED = defineSearchAttributeKey('MinersScored', 'INT');
export const SEARCH_ATTRIBUTES = [NET_UID, HOTKEY, PHASE, OUTCOME, EPOCH, WINDOW, MINERS_SCORED];
