export { type EventuallyOptions, eventually } from "./eventually.ts";
export { startTestNats, type TestNats, type TestNatsOptions } from "./test-nats.ts";
export { useTestNats } from "./use-test-nats.ts";
