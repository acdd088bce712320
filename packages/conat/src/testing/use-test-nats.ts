import { afterAll, beforeAll } from "vitest";
import { startTestNats, type TestNats, type TestNatsOptions } from "./test-nats.ts";

/** One nats-server for all tests of the calling file or `describe`, stopped after them. */
export function useTestNats(options?: TestNatsOptions): () => TestNats {
  let server: TestNats | undefined;
  beforeAll(async () => {
    server = await startTestNats(options);
  });
  afterAll(async () => {
    await server?.stop();
  });
  return () => {
    if (server === undefined) throw new Error("the nats-server is only there inside a test");
    return server;
  };
}
