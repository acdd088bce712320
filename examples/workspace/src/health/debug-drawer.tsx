import type { SessionStatus } from "@conat/conat";
import { useConat, useConnectionStatus } from "@conat/frontend-hooks";
import { type ReactElement, useContext, useEffect, useState } from "react";
import { type Traffic, traffic } from "./traffic.ts";
import { WatchedStoresContext } from "./use-watched.ts";
import type { StoreReport } from "./watched-stores.ts";

const REFRESH_MS = 500;

interface Sample {
  readonly at: number;
  readonly traffic: Traffic;
  readonly stores: readonly StoreReport[];
}

/** What happens under the floor: for developers, and for whoever wonders. */
export function DebugDrawer({ onClose }: { readonly onClose: () => void }): ReactElement {
  const client = useConat();
  const status = useConnectionStatus();
  const { before, now } = useSamples();
  return (
    <section className="drawer" aria-label="Debug">
      <header>
        <h2>Debug</h2>
        <button
          type="button"
          className="icon"
          aria-label="Close the debug drawer"
          onClick={onClose}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M4 4l8 8M12 4l-8 8" />
          </svg>
        </button>
      </header>
      <dl className="facts">
        <Fact name="Connection">{describeStatus(status)}</Fact>
        <Fact name="Hub">{client?.address ?? "none"}</Fact>
        <Fact name="Received">{describeTraffic("In", before, now)}</Fact>
        <Fact name="Sent">{describeTraffic("Out", before, now)}</Fact>
      </dl>
      <div className="reports">
        <table>
          <thead>
            <tr>
              <th scope="col">Store</th>
              <th scope="col">Status</th>
              <th scope="col">Keys</th>
              <th scope="col">Sequence</th>
              <th scope="col">Pending writes</th>
              <th scope="col">Changes seen</th>
            </tr>
          </thead>
          <tbody>
            {now.stores.map(({ label, name, status: state, keys, sequence, pending, changes }) => (
              <tr key={label}>
                <th scope="row">
                  {label} <code>{name}</code>
                </th>
                <td>
                  <span className={`state ${state}`}>{state}</span>
                </td>
                <td>{keys.toLocaleString("en")}</td>
                <td>{sequence.toLocaleString("en")}</td>
                <td>{pending}</td>
                <td>{changes.toLocaleString("en")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function useSamples(): { readonly before: Sample; readonly now: Sample } {
  const watched = useContext(WatchedStoresContext);
  const [samples, setSamples] = useState(() => {
    const first = takeSample(watched.reports());
    return { before: first, now: first };
  });
  useEffect(() => {
    const timer = setInterval(
      () => setSamples(({ now }) => ({ before: now, now: takeSample(watched.reports()) })),
      REFRESH_MS,
    );
    return () => clearInterval(timer);
  }, [watched]);
  return samples;
}

function takeSample(stores: readonly StoreReport[]): Sample {
  return { at: performance.now(), traffic: traffic(), stores };
}

interface FactProps {
  readonly name: string;
  readonly children: string;
}

function Fact({ name, children }: FactProps): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function describeStatus({ state, attempt, error }: SessionStatus): string {
  if (state === "ready") return "ready";
  return [state, attempt > 0 && `attempt ${attempt}`, error?.message].filter(Boolean).join(", ");
}

function describeTraffic(way: "In" | "Out", before: Sample, now: Sample): string {
  const bytes = now.traffic[`bytes${way}`];
  const seconds = (now.at - before.at) / 1_000;
  const rate = seconds > 0 ? (bytes - before.traffic[`bytes${way}`]) / seconds : 0;
  const frames = now.traffic[`frames${way}`].toLocaleString("en");
  return `${frames} frames, ${kilobytes(bytes)}; ${kilobytes(rate)}/s`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toLocaleString("en", { maximumFractionDigits: 1 })} kB`;
}
