import { ConatProvider } from "@conat/frontend-hooks";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { loadPerson, projectOfPage } from "./identity.ts";
import "./styles/base.css";
import "./styles/header.css";
import "./styles/panels.css";
import "./styles/people.css";

const person = loadPerson();
const project = projectOfPage();
const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");

createRoot(root).render(
  <StrictMode>
    <ConatProvider identity={{ account_id: person.id, projects: [project] }}>
      <App firstPerson={person} project={project} />
    </ConatProvider>
  </StrictMode>,
);
