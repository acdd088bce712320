#!/usr/bin/env node
// The command of a checkout. A published package has its built form instead: publishConfig in package.json.
import "../../../scripts/hub.mjs";
