#!/usr/bin/env node
// The `genki` command for an installed package: TypeScript is loaded as it is.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
