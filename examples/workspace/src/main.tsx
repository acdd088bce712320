// First, so that the connection is made with the counted socket.
import "./health/traffic.ts";
import { ConatProvider } from "@conat/frontend-hooks";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { WatchedStoresContext } from "./health/use-watched.ts";
import { WatchedStores } from "./health/watched-stores.ts";
import { accountOfPage, PROJECTS } from "./model/identity.ts";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/header.css";
import "./styles/board.css";
import "./styles/build.css";
import "./styles/people.css";
import "./styles/health.css";
import "./styles/table.css";

const account_id = accountOfPage();
const projects = Object.fromEntries(PROJECTS.map(({ id, role }) => [id, role]));
const stores = new WatchedStores();
const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");

createRoot(root).render(
  <StrictMode>
    <ConatProvider identity={{ account_id, projects }}>
      <WatchedStoresContext value={stores}>
        <App account={account_id} />
      </WatchedStoresContext>
    </ConatProvider>
  </StrictMode>,
);
