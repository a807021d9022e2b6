/** By this name resolving a round says that its competition exchanges updates of windows, whose rounds are others. */
export const ROUND_OF_WINDOWS = 'RoundOfWindows';
