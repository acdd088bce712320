import { ConatProvider } from "@conat/frontend-hooks";
import type { ReactElement, ReactNode } from "react";

async function fetchToken(): Promise<string> {
  const response = await fetch("/api/conat-token", { method: "POST" });
  return response.text();
}

export function App({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <ConatProvider address="https://hub.example.com" token={fetchToken}>
      {children}
    </ConatProvider>
  );
}
