import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Leases, type Shareable } from "./leases.ts";

const GRACE_MS = 1_000;

class Thing implements Shareable {
  ended = false;
  closed = false;
  close(): void {
    this.closed = true;
  }
}

describe("what components share", () => {
  let opened: Thing[] = [];
  const open = (): Thing => {
    const thing = new Thing();
    opened.push(thing);
    return thing;
  };

  beforeEach(() => {
    opened = [];
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is not listed once it has ended and nobody holds it: who acquired it would get an ended one", () => {
    const leases = new Leases<Thing>(GRACE_MS);
    const { resource, release } = leases.acquire("x", open);
    resource.ended = true;
    expect([...leases.entries()]).toEqual([["x", resource]]);
    release();
    expect([...leases.entries()]).toEqual([]);
  });

  it("is opened once for all who hold it, and closed a grace period after the last let go", () => {
    const leases = new Leases<Thing>(GRACE_MS);
    const a = leases.acquire("x", open);
    const b = leases.acquire("x", open);
    expect(b.resource).toBe(a.resource);
    a.release();
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(a.resource.closed).toBe(false);
    b.release();
    vi.advanceTimersByTime(GRACE_MS - 1);
    expect(a.resource.closed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(a.resource.closed).toBe(true);
    expect(leases.size).toBe(0);
    expect(opened).toHaveLength(1);
  });

  it("is kept when somebody comes back within the grace period", () => {
    const leases = new Leases<Thing>(GRACE_MS);
    leases.acquire("x", open).release();
    vi.advanceTimersByTime(GRACE_MS - 1);
    const again = leases.acquire("x", open);
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(again.resource.closed).toBe(false);
    expect(opened).toHaveLength(1);
  });

  it("survives a lease that is released twice", () => {
    const leases = new Leases<Thing>(GRACE_MS);
    const a = leases.acquire("x", open);
    const b = leases.acquire("x", open);
    a.release();
    a.release();
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(b.resource.closed).toBe(false);
  });

  it("is not kept once it has ended: who holds it sees why, the next gets a new one", () => {
    const leases = new Leases<Thing>(GRACE_MS);
    const a = leases.acquire("x", open);
    a.resource.ended = true;
    expect(leases.acquire("x", open).resource).toBe(a.resource);
    a.release();
    leases.acquire("y", open).release();
    const last = leases.acquire("y", open);
    last.resource.ended = true;
    last.release();
    expect(last.resource.closed).toBe(true);
    expect(leases.acquire("y", open).resource).not.toBe(last.resource);
  });

  it("is replaced when it ended during the grace period", () => {
    const leases = new Leases<Thing>(GRACE_MS);
    const a = leases.acquire("x", open);
    a.release();
    a.resource.ended = true;
    const b = leases.acquire("x", open);
    expect(b.resource).not.toBe(a.resource);
    expect(a.resource.closed).toBe(true);
    vi.advanceTimersByTime(GRACE_MS * 2);
    expect(b.resource.closed).toBe(false);
  });
});
