import { type StoreOptions, useDKVKey } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

interface Settings {
  readonly theme: "light" | "dark";
  readonly fontSize: number;
}

export function ThemeSwitch({ account_id }: { readonly account_id: string }): ReactElement {
  const settings: StoreOptions<Settings> = { account_id, name: "settings" };
  const [theme, setTheme] = useDKVKey(settings, "theme", "light");
  return (
    <button
      type="button"
      onClick={() => setTheme((present) => (present === "dark" ? "light" : "dark"))}
    >
      {theme === "dark" ? "Lights on" : "Lights off"}
    </button>
  );
}
