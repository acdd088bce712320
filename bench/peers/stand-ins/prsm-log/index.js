// @prsm/realtime logs through a package that not every registry has. A logger that says nothing is
// the fastest one there is, so this favours @prsm/realtime.
const say = () => {};
const log = { configure: say, child: () => log, debug: say, info: say, warn: say, error: say };

// biome-ignore lint/style/noDefaultExport: it stands in for a package that has one
export default log;
