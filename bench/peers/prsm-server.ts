import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RealtimeServer } from "@prsm/realtime";
import { serve } from "../src/framework/serve.ts";

let server: RealtimeServer | undefined;

/** @prsm/realtime as its documentation shows it, with everything readable and writable. */
export const prsmServer = serve(
  {
    /** Returns the address. */
    async listen(redisPort: number): Promise<string> {
      const http = createServer();
      const realtime = new RealtimeServer({
        redis: { host: "127.0.0.1", port: redisPort },
        authenticateConnection: () => ({}),
      });
      server = realtime;
      realtime.exposeRecord(/.*/);
      realtime.exposeWritableRecord(/.*/);
      realtime.exposeCommand("increment", ({ payload: { id } }) =>
        realtime.transaction(
          async (transaction) => {
            const n = count(await transaction.getRecord(id)) + 1;
            transaction.writeRecord(id, { n });
          },
          { records: [id] },
        ),
      );
      realtime.exposeCommand("count", async ({ payload: { id } }) => {
        let n = 0;
        await realtime.transaction(
          async (transaction) => {
            n = count(await transaction.getRecord(id));
          },
          { records: [id] },
        );
        return n;
      });
      await realtime.attach(http, { port: 0, host: "127.0.0.1" });
      return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    },
  },
  () => server?.close(),
);

function count(record: unknown): number {
  return typeof record === "object" && record !== null && "n" in record ? Number(record.n) : 0;
}
