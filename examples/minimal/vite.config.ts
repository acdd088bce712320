import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  // Inside this repository: the packages' sources, so that nothing has to be built first.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  // The page's own origin is the hub to it.
  server: { proxy: { "/socket.io": { target: "http://127.0.0.1:4400", ws: true } } },
});
