export { type EventuallyOptions, eventually } from "./eventually.ts";
export { describeSessionContract, type SessionContractSetup } from "./session-contract.ts";
export { startTestNats, type TestNats, type TestNatsOptions } from "./test-nats.ts";
export { useTestNats } from "./use-test-nats.ts";
