import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the pages with a running platform behind them.
const platform = loadEnv("", ".", "CCP_").CCP_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", sourcemap: false },
  server: { proxy: { "/api": { target: platform, ws: true } } },
  test: { environment: "node", testTimeout: 60_000 },
});
