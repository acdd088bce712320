import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [react()],
  // The packages are taken from their sources, so that the page needs none of them built first.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  server: { proxy: { "/socket.io": { target: "http://127.0.0.1:4400", ws: true } } },
});
