import { EventEmitter } from "node:events";
import { createServer, type Server } from "node:http";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { limitUpgrades } from "./upgrade-deadline.ts";

let http: Server;
let engine: EventEmitter;
let socket: PassThrough;
let tunnels: WeakSet<object>;

beforeEach(() => {
  vi.useFakeTimers();
  http = createServer();
  // Not to read from what stands for a connection here.
  http.removeAllListeners("connection");
  engine = new EventEmitter();
  socket = new PassThrough();
  tunnels = new WeakSet();
  limitUpgrades({ http, engine, isTunnel: (one) => tunnels.has(one), timeoutMs: 1_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const asTunnel = (): void => {
  tunnels.add(socket);
  http.emit("connection", socket);
};
const asUpgrade = (): void => {
  http.emit("connection", socket);
  vi.advanceTimersByTime(5_000);
  http.emit("upgrade", {}, socket);
};

it.each([
  ["a tunnel", asTunnel],
  ["who asks for a WebSocket", asUpgrade],
])("ends %s without a WebSocket, and no earlier", (_what, arrive) => {
  arrive();
  vi.advanceTimersByTime(999);
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(socket.destroyed).toBe(true);
});

it.each([
  ["a tunnel", asTunnel],
  ["a network connection", asUpgrade],
])("leaves %s with a WebSocket, and keeps nothing of it", (_what, arrive) => {
  const before = socket.listenerCount("close");
  arrive();
  engine.emit("connection", { request: { socket } });
  expect(vi.getTimerCount()).toBe(0);
  expect(socket.listenerCount("close")).toBe(before);
});

it("gives a tunnel no more time for asking again", () => {
  asTunnel();
  vi.advanceTimersByTime(999);
  http.emit("upgrade", {}, socket);
  vi.advanceTimersByTime(1);
  expect(socket.destroyed).toBe(true);
});

it("leaves a network connection without a wish, and forgets what has ended", () => {
  http.emit("connection", socket);
  expect(vi.getTimerCount()).toBe(0);
  http.emit("upgrade", {}, socket);
  socket.emit("close");
  expect(vi.getTimerCount()).toBe(0);
});
